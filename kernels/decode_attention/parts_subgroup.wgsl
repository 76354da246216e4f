// PARTS neighbouring lanes share a key, so that they read it side by side. Lanes in order: see common/teams_subgroup.wgsl.

enable subgroups;

const PARTS = 4u;

// Sum over the lanes that share the key, in each of them.
fn parts_sum(value: f32) -> f32 {
  let pair = value + subgroupShuffleXor(value, 1u);
  return pair + subgroupShuffleXor(pair, 2u);
}
