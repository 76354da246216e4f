// Teams of LANES invocations that meet in workgroup memory: no subgroups needed.

const TEAMS = WORKGROUP / LANES;

var<workgroup> partial_sums: array<f32, TEAM_ROWS * ROWS * WORKGROUP>;
var<workgroup> partial_squares: array<f32, ROWS * WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let group = group_index(workgroup, workgroups);
  let m = ROWS * workgroup.z;
  let rows = rows_from(m);

  // The rows of add are the same for all teams: the workgroup sums them together.
  var added: array<f32, ROWS>;
  if (SANDWICH == 1u) {
    for (var i = 0u; i < rows; i++) {
      partial_squares[WORKGROUP * i + local] = add_squares(m + i, local, WORKGROUP);
    }
    workgroupBarrier();
    for (var i = 0u; i < rows; i++) {
      added[i] = sum_of_squares(WORKGROUP * i, WORKGROUP);
    }
    workgroupBarrier(); // before the squares of the rows themselves take their place
  }

  var partial = partial_of(m, task_of(group, local / LANES), local % LANES, added);
  for (var i = 0u; i < rows; i++) {
    put_sums(WORKGROUP * i + local, partial.sums[i]);
    if (NORM == 1u) {
      partial_squares[WORKGROUP * i + local] = partial.squares[i];
    }
  }
  workgroupBarrier();

  // Each invocation finishes some of the workgroup's sums.
  for (var mine = local; mine < rows * TEAMS; mine += WORKGROUP) {
    let i = mine / TEAMS;
    let team = mine % TEAMS;
    let first = WORKGROUP * i + LANES * team;
    var sums = vec4f();
    for (var at = first; at < first + LANES; at++) {
      sums += sums_at(at);
    }
    var squares = 0.0;
    if (NORM == 1u) {
      squares = sum_of_squares(first, LANES);
    }
    store_sums(m + i, task_of(group, team), sums, squares);
  }
}

fn sum_of_squares(first: u32, count: u32) -> f32 {
  var squares = 0.0;
  for (var at = first; at < first + count; at++) {
    squares += partial_squares[at];
  }
  return squares;
}

fn put_sums(at: u32, sums: vec4f) {
  partial_sums[TEAM_ROWS * at] = sums.x;
  partial_sums[TEAM_ROWS * at + 1u] = sums.y;
  if (TEAM_ROWS == 4u) {
    partial_sums[TEAM_ROWS * at + 2u] = sums.z;
    partial_sums[TEAM_ROWS * at + 3u] = sums.w;
  }
}

fn sums_at(at: u32) -> vec4f {
  var sums = vec4f(partial_sums[TEAM_ROWS * at], partial_sums[TEAM_ROWS * at + 1u], 0.0, 0.0);
  if (TEAM_ROWS == 4u) {
    sums.z = partial_sums[TEAM_ROWS * at + 2u];
    sums.w = partial_sums[TEAM_ROWS * at + 3u];
  }
  return sums;
}
