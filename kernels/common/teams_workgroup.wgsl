// A workgroup split into teams of TEAM neighbouring lanes (a power of two), each of which sums and compares for itself,
// through workgroup memory. teams_subgroup.wgsl defines the same names. Constants: WORKGROUP, TEAM.

var<workgroup> team_partial: array<f32, WORKGROUP>;

// Sum over the lane's team, the same bits in every lane. Must be reached by the whole workgroup.
fn team_sum(lane: u32, value: f32) -> f32 {
  workgroupBarrier(); // the sum before may still be read
  team_partial[lane] = value;
  workgroupBarrier();
  for (var stride = TEAM / 2u; stride > 0u; stride /= 2u) {
    if (lane % TEAM < stride) {
      team_partial[lane] += team_partial[lane + stride];
    }
    workgroupBarrier();
  }
  return team_partial[lane / TEAM * TEAM];
}

// Maximum over the lane's team, in every lane.
fn team_max(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  team_partial[lane] = value;
  workgroupBarrier();
  for (var stride = TEAM / 2u; stride > 0u; stride /= 2u) {
    if (lane % TEAM < stride) {
      team_partial[lane] = max(team_partial[lane], team_partial[lane + stride]);
    }
    workgroupBarrier();
  }
  return team_partial[lane / TEAM * TEAM];
}
