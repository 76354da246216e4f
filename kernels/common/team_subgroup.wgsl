// A team computes one item together: the whole workgroup, as in team_workgroup.wgsl, reducing inside subgroups first.
// Works for any subgroup size and any mapping of lanes to subgroups, and needs no built-in values.

enable subgroups;

const TEAM = WORKGROUP;

var<workgroup> team_partial: array<f32, WORKGROUP>;

fn team_item(group: u32, local: u32) -> u32 {
  return group;
}

fn team_lane(local: u32) -> u32 {
  return local;
}

fn team_sum(lane: u32, value: f32) -> f32 {
  let size = subgroupAdd(1u);
  let rank = subgroupExclusiveAdd(1u);
  let sum = subgroupAdd(value);
  workgroupBarrier(); // the sum before may still be read
  team_partial[lane] = select(0.0, sum, rank == 0u); // one entry per subgroup
  workgroupBarrier();
  var total = 0.0;
  for (var i = rank; i < WORKGROUP; i += size) {
    total += team_partial[i];
  }
  return subgroupAdd(total);
}

// Maximum over the team, in every lane.
fn team_max(lane: u32, value: f32) -> f32 {
  let size = subgroupAdd(1u);
  let rank = subgroupExclusiveAdd(1u);
  let largest = subgroupMax(value);
  workgroupBarrier();
  team_partial[lane] = largest;
  workgroupBarrier();
  var total = largest;
  for (var i = rank; i < WORKGROUP; i += size) {
    total = max(total, team_partial[i]);
  }
  return subgroupMax(total);
}
