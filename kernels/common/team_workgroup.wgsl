// A team computes one item (a row, a head, ...) together: here the whole workgroup, reducing through workgroup memory.
// team_subgroup.wgsl and team_invocation.wgsl define the same names. Constant: WORKGROUP, lanes, a power of two.

const TEAM = WORKGROUP; // lanes in a team

var<workgroup> team_partial: array<f32, WORKGROUP>;

// The item of this invocation: uniform over its team.
fn team_item(group: u32, local: u32) -> u32 {
  return group;
}

fn team_lane(local: u32) -> u32 {
  return local;
}

// Sum over the team, the same bits in every lane. Must be reached by all lanes.
fn team_sum(lane: u32, value: f32) -> f32 {
  workgroupBarrier(); // the sum before may still be read
  team_partial[lane] = value;
  workgroupBarrier();
  for (var stride = WORKGROUP / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      team_partial[lane] += team_partial[lane + stride];
    }
    workgroupBarrier();
  }
  return team_partial[0];
}

// Maximum over the team, in every lane.
fn team_max(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  team_partial[lane] = value;
  workgroupBarrier();
  for (var stride = WORKGROUP / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      team_partial[lane] = max(team_partial[lane], team_partial[lane + stride]);
    }
    workgroupBarrier();
  }
  return team_partial[0];
}
