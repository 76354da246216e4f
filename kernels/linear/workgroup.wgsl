// Teams of LANES invocations that meet in workgroup memory: no subgroups needed.

const TEAMS = WORKGROUP / LANES;
// Rows of x that meet at once: of many it would take more memory than every device has.
const MEETING = min(ROWS, 4u);

var<workgroup> partial_sums: array<f32, TEAM_ROWS * MEETING * WORKGROUP>;
var<workgroup> partial_squares: array<f32, MEETING * WORKGROUP>;

// Where an invocation stands.
struct Place {
  workgroup: u32,
  local: u32,
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let group = group_index(workgroup, workgroups);
  let m = ROWS * workgroup.z;

  // The rows of add are the same for all teams: the workgroup sums them together.
  var added: array<f32, ROWS>;
  if (SANDWICH == 1u) {
    for (var i = 0u; i < ROWS; i++) {
      partial_squares[local] = add_squares(m + i, local, WORKGROUP);
      workgroupBarrier();
      added[i] = sum_of_squares(0u, WORKGROUP);
      workgroupBarrier(); // before the next squares take their place
    }
  }
  let share = Share(local % LANES, local, group == 0u);
  var partial = partial_of(m, task_of(group, local / LANES, TEAMS), share, LANES, &added);
  finish_rows(&partial, m, Place(group, local));
}

fn finish_row(i: u32, slot: u32, m: u32, at: Place, sums: vec4f, squares: f32) {
  put_sums(WORKGROUP * slot + at.local, sums);
  if (NORM == 1u) {
    partial_squares[WORKGROUP * slot + at.local] = squares;
  }
  if (slot + 1u == MEETING) {
    workgroupBarrier();
    add_up(m + i - slot, at);
    workgroupBarrier(); // before the next rows take their place
  }
}

// Each invocation finishes some of the workgroup's sums, those of MEETING rows from row m of y on.
fn add_up(m: u32, at: Place) {
  for (var mine = at.local; mine < MEETING * TEAMS; mine += WORKGROUP) {
    let slot = mine / TEAMS;
    let team = mine % TEAMS;
    let first = WORKGROUP * slot + LANES * team;
    var sums = vec4f();
    for (var lane = 0u; lane < LANES; lane++) {
      sums += sums_at(first + lane);
    }
    var squares = 0.0;
    if (NORM == 1u) {
      squares = sum_of_squares(first, LANES);
    }
    store_sums(m + slot, task_of(at.workgroup, team, TEAMS), sums, squares);
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
