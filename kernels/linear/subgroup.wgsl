// Teams of LANES neighbouring lanes of a subgroup, LANES at most the smallest subgroup size of the adapter: so the order
// of a sum is the same whatever size the compiler chose for this pipeline.
//
// Relies on one-dimensional workgroups filling their subgroups in order, which WGSL does not promise and every known
// driver does; the self-test at load would refuse this variant. (Numbering the teams with an atomic does not rely on it,
// but SwiftShader returns 0 to every subgroup.)

enable subgroups;

const TEAMS = WORKGROUP / LANES;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let task = task_of(group_index(workgroup, workgroups), local / LANES);
  let m = ROWS * workgroup.z;
  let rows = rows_from(m);

  var added: array<f32, ROWS>;
  if (SANDWICH == 1u) {
    for (var i = 0u; i < rows; i++) {
      added[i] = team_sum(add_squares(m + i, lane, LANES));
    }
  }
  var partial = partial_of(m, task, lane, added);
  if (NORM == 1u) {
    for (var i = 0u; i < rows; i++) {
      partial.squares[i] = team_sum(partial.squares[i]);
    }
  }
  for (var i = 0u; i < rows; i++) {
    var sums = vec4f(team_sum(partial.sums[i].x), team_sum(partial.sums[i].y), 0.0, 0.0);
    if (TEAM_ROWS == 4u) {
      sums.z = team_sum(partial.sums[i].z);
      sums.w = team_sum(partial.sums[i].w);
    }
    if (lane == i % LANES) {
      store_sums(m + i, task, sums, partial.squares[i]);
    }
  }
}

// The same bits in every lane.
fn team_sum(value: f32) -> f32 {
  var sum = value;
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    sum += subgroupShuffleXor(sum, step);
  }
  return sum;
}
