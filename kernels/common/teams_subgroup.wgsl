// Teams of lanes as in teams_workgroup.wgsl, reducing inside subgroups first. Lanes must lie in subgroups in the order of
// their index, as they do on the adapters known; the self-test finds others. Any subgroup size. Constants: WORKGROUP, TEAM.

enable subgroups;

var<workgroup> team_partial: array<f32, WORKGROUP>;

fn team_sum(lane: u32, value: f32) -> f32 {
  let size = subgroupAdd(1u);
  var sum = value;
  for (var distance = TEAM / 2u; distance > 0u; distance /= 2u) {
    let other = subgroupShuffleXor(sum, distance % size);
    sum += select(0.0, other, distance < size);
  }
  workgroupBarrier(); // the sum before may still be read
  team_partial[lane] = sum;
  workgroupBarrier();
  let first = lane / TEAM * TEAM;
  var total = 0.0;
  for (var i = 0u; i < TEAM; i += size) { // one entry per subgroup
    total += team_partial[first + i];
  }
  return total;
}

fn team_max(lane: u32, value: f32) -> f32 {
  let size = subgroupAdd(1u);
  var largest = value;
  for (var distance = TEAM / 2u; distance > 0u; distance /= 2u) {
    let other = subgroupShuffleXor(largest, distance % size);
    largest = max(largest, select(largest, other, distance < size));
  }
  workgroupBarrier();
  team_partial[lane] = largest;
  workgroupBarrier();
  let first = lane / TEAM * TEAM;
  for (var i = 0u; i < TEAM; i += size) {
    largest = max(largest, team_partial[first + i]);
  }
  return largest;
}
