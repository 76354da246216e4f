// Teams of LANES invocations that meet once, in workgroup memory: no subgroups needed.

var<workgroup> partial_sums: array<f32, SUMS * WORKGROUP>;
var<workgroup> partial_squares: array<f32, ROWS * WORKGROUP>;

const TEAMS = WORKGROUP / LANES;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let team = group_index(workgroup, workgroups) * TEAMS;
  let m = ROWS * workgroup.z;

  var partial = partial_of(m, W_ROWS * (team + local / LANES), local % LANES);
  for (var i = 0u; i < SUMS; i++) {
    partial_sums[WORKGROUP * i + local] = partial.sums[i];
  }
  if (NORM == 1u) {
    for (var i = 0u; i < ROWS; i++) {
      partial_squares[WORKGROUP * i + local] = partial.squares[i];
    }
  }
  workgroupBarrier();

  // Each invocation finishes some of the workgroup's sums.
  for (var task = local; task < SUMS * TEAMS; task += WORKGROUP) {
    let i = task / TEAMS;
    let first = LANES * (task % TEAMS);
    var sum = 0.0;
    var squares = 0.0;
    for (var lane = first; lane < first + LANES; lane++) {
      sum += partial_sums[WORKGROUP * i + lane];
      if (NORM == 1u) {
        squares += partial_squares[WORKGROUP * (i / W_ROWS) + lane];
      }
    }
    store(m + i / W_ROWS, W_ROWS * (team + task % TEAMS) + i % W_ROWS, sum, squares);
  }
}
