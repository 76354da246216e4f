// A team of one: each invocation computes an item alone, without barriers. For software adapters.
// Same names as team_workgroup.wgsl. Constant: WORKGROUP, items per workgroup.

const TEAM = 1u;

fn team_item(group: u32, local: u32) -> u32 {
  return group * WORKGROUP + local;
}

fn team_lane(local: u32) -> u32 {
  return 0u;
}

fn team_sum(lane: u32, value: f32) -> f32 {
  return value;
}

fn team_max(lane: u32, value: f32) -> f32 {
  return value;
}
