// Teams of LANES invocations that meet once, in workgroup memory: no subgroups needed.

var<workgroup> partial_sums: array<vec2f, ROWS * WORKGROUP>;
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
  let rows = rows_from(m);

  var partial = partial_of(m, W_ROWS * (team + local / LANES), local % LANES);
  for (var i = 0u; i < rows; i++) {
    partial_sums[WORKGROUP * i + local] = partial.sums[i];
    if (NORM == 1u) {
      partial_squares[WORKGROUP * i + local] = partial.squares[i];
    }
  }
  workgroupBarrier();

  // Each invocation finishes some of the workgroup's sums.
  for (var task = local; task < rows * TEAMS; task += WORKGROUP) {
    let i = task / TEAMS;
    let first = WORKGROUP * i + LANES * (task % TEAMS);
    var sum = vec2f();
    var squares = 0.0;
    for (var at = first; at < first + LANES; at++) {
      sum += partial_sums[at];
      if (NORM == 1u) {
        squares += partial_squares[at];
      }
    }
    let r = W_ROWS * (team + task % TEAMS);
    store(m + i, r, sum.x, squares);
    store(m + i, r + 1u, sum.y, squares);
  }
}
