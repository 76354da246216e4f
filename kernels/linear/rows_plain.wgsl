// Which rows of which matrix a team computes: TEAM_ROWS neighbours. A workgroup works in one matrix only.
// Its sums are stored in pairs, half of TEAM_ROWS apart, as rows_gated.wgsl needs them.

struct Task {
  matrix: u32,
  first: u32,  // row of the matrix
  before: u32, // rows of the stack before the matrix
}

const HALF = TEAM_ROWS / 2u;

// @param workgroup index in the grid
// @param teams of a workgroup that have rows of their own
fn task_of(workgroup: u32, team: u32, teams: u32) -> Task {
  var task = Task();
  var left = workgroup;
  for (var i = 0u; i + 1u < MATRICES; i++) {
    let rows = params.matrix[i].rows;
    let workgroups = (rows + TEAM_ROWS * teams - 1u) / (TEAM_ROWS * teams);
    if (task.matrix == i && left >= workgroups) {
      left -= workgroups;
      task.before += rows;
      task.matrix = i + 1u;
    }
  }
  task.first = TEAM_ROWS * (left * teams + team);
  return task;
}

// Past the last row: nothing to do.
fn is_idle(task: Task) -> bool {
  return task.first >= params.matrix[task.matrix].rows;
}

// Matrix and row of it.
// @param slot which of the team's rows
fn row_of(task: Task, slot: u32) -> vec2u {
  return vec2u(task.matrix, task.first + slot);
}

// The sums of rows `slot` and `slot + HALF`.
fn store_pair(m: u32, task: Task, slot: u32, low: f32, high: f32, squares: f32) {
  store(m, task, slot, low, squares);
  store(m, task, slot + HALF, high, squares);
}

fn store(m: u32, task: Task, slot: u32, sum: f32, squares: f32) {
  let row = task.first + slot;
  if (m < y_rows() && row < params.matrix[task.matrix].rows) {
    let r = task.before + row;
    put(m, r, value_of(r, sum, squares));
  }
}
