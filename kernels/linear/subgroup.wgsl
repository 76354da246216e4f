// Teams of LANES neighbouring lanes of a subgroup, LANES at most the smallest subgroup size of the adapter: so the order
// of a sum is the same whatever size the compiler chose for this pipeline.
//
// Relies on one-dimensional workgroups filling their subgroups in order, which WGSL does not promise and every known
// driver does; the self-test at load would refuse this variant. (Numbering the teams with an atomic does not rely on it,
// but SwiftShader returns 0 to every subgroup.)

enable subgroups;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % LANES;
  let team = group_index(workgroup, workgroups) * (WORKGROUP / LANES) + local / LANES;
  let m = ROWS * workgroup.z;
  let rows = rows_from(m);
  let r = W_ROWS * team;

  var partial = partial_of(m, r, lane);
  if (NORM == 1u) {
    for (var i = 0u; i < rows; i++) {
      partial.squares[i] = team_sum(partial.squares[i]);
    }
  }
  for (var i = 0u; i < rows; i++) {
    let first = team_sum(partial.sums[i].x);
    let second = team_sum(partial.sums[i].y);
    if (lane == i % LANES) {
      store(m + i, r, first, partial.squares[i]);
      store(m + i, r + 1u, second, partial.squares[i]);
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
