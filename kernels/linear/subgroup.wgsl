// Teams of LANES neighbouring lanes of a subgroup, LANES at most the smallest subgroup size of the adapter: so the order
// of a sum is the same whatever size the compiler chose for this pipeline.

enable subgroups;

var<workgroup> teams: atomic<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(subgroup_invocation_id) id: u32,
) {
  // How invocations map to subgroups is not defined: teams take numbers as they come.
  let lane = id % LANES;
  var taken = 0u;
  if (lane == 0u) {
    taken = atomicAdd(&teams, 1u);
  }
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    taken += subgroupShuffleXor(taken, step);
  }
  let team = group_index(workgroup, workgroups) * (WORKGROUP / LANES) + taken;
  let m = ROWS * workgroup.z;
  let r = W_ROWS * team;

  var partial = partial_of(m, r, lane);
  if (NORM == 1u) {
    for (var i = 0u; i < ROWS; i++) {
      partial.squares[i] = team_sum(partial.squares[i]);
    }
  }
  for (var i = 0u; i < SUMS; i++) {
    let sum = team_sum(partial.sums[i]);
    if (lane == i % LANES) {
      store(m + i / W_ROWS, r + i % W_ROWS, sum, partial.squares[i / W_ROWS]);
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
