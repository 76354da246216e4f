// Unfolds a grid of more than 65,535 workgroups (foldedGrid in kernel.ts) into one index.

fn group_index(group: vec3u, groups: vec3u) -> u32 {
  return group.x + group.y * groups.x;
}
