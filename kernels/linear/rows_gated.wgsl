// Which rows of which matrix a team computes when the stack is [gate; up], each with half of the rows: HALF neighbours of
// the gate and the same rows of up. y has their gated product, activation(gate) * up. Needs fn activation.

struct Task {
  matrix: u32, // of the gate: 0
  first: u32,  // row of the gate
}

const HALF = TEAM_ROWS / 2u;

fn gate_rows() -> u32 {
  return params.matrix[0].rows / (3u - MATRICES); // half of one matrix, or all of the first of two
}

fn task_of(workgroup: u32, team: u32, teams: u32) -> Task {
  return Task(0u, HALF * (workgroup * teams + team));
}

fn is_idle(task: Task) -> bool {
  return task.first >= gate_rows();
}

// Matrix and row of it. Slots from HALF on are rows of up.
fn row_of(task: Task, slot: u32) -> vec2u {
  let row = min(task.first + slot % HALF, gate_rows() - 1u);
  if (MATRICES == 1u) {
    return vec2u(0u, row + select(0u, gate_rows(), slot >= HALF));
  }
  return vec2u(slot / HALF, row);
}

// The sums of a gate and its up.
fn store_pair(m: u32, task: Task, slot: u32, gate: f32, up: f32, squares: f32) {
  let r = task.first + slot;
  if (m < y_rows() && r < gate_rows()) {
    let value = activation(vec4f(value_of(r, gate, squares))).x * value_of(gate_rows() + r, up, squares);
    put(m, r, value);
  }
}
