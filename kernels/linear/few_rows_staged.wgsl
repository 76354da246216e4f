// Linear for a few rows of x with x in the workgroup's memory, in the place of few_rows.wgsl and as exact: the workgroup
// reads a row, sums its squares and multiplies it by the gain once for all of its teams, neighbouring lanes neighbouring
// vec4f. With one row of x, STAGED groups lie in memory at a time. With more, a lane keeps the weights of one group, and the
// rows take turns in memory.
//
// Why: lanes of few_rows.wgsl read whole groups, so that each load of 32 lanes touches 32 lines of 128 bytes. For 1,024
// columns and 16 rows of the matrix (9 kB at 4 bits: an H100's SM has them in 640 cycles) four teams touch 1,024 lines of x
// and 1,024 of the gain; here 32 of each, 32 to write memory and 128 to read it.
//
// A row's sum does not depend on ROWS: a lane multiplies the same groups in the same order, and stages the same vec4f.

// Groups of 32 columns that memory holds, a multiple of the lanes that share the columns: 8 kB.
const STAGED = 64u;
// One more than a multiple of 8: the vec4f of a group lie in different banks, as those of neighbouring groups do.
const PITCH = STAGED + 1u;
const BLOCK_ROWS = min(ROWS, 4u);

var<workgroup> staged: array<vec4f, 8u * PITCH>; // [vec4f of the group, group]

// As in few_rows.wgsl. To be reached by the whole workgroup.
fn partial_of(m: u32, task: Task, at: Share, lanes: u32, added: ptr<function, array<f32, ROWS>>) -> Partial {
  let chunk = select(lanes, STAGED, ROWS == 1u);
  var partial: Partial;
  for (var step = 0u; step < groups_of_row(); step += lanes) {
    let group = step + at.lane;
    var weights: Weights;
    if (ROWS > 1u && group < groups_of_row()) {
      weights = team_weights(task, group); // under way while x is staged
    }
    for (var i = 0u; i < ROWS; i += 4u) {
      var block = partial.first;
      for (var row = i; row < i + BLOCK_ROWS; row++) {
        add_row(&block, m + row, step, chunk, task, at, &weights, (*added)[row]);
        turn_rows(&block);
      }
      turn(&partial, block);
    }
  }
  if (NORM == 1u) {
    for (var i = 0u; i < ROWS; i += 4u) {
      var block = partial.first;
      block.squares = share_of_squares(block.squares, at, lanes);
      turn(&partial, block);
    }
  }
  return partial;
}

// Adds the products of the lane's group of this step and row m to the block's first row. Brings row m to memory where a
// chunk begins.
fn add_row(
  block: ptr<function, Block>, m: u32, step: u32, chunk: u32, task: Task, at: Share,
  weights: ptr<function, Weights>, added: f32,
) {
  if (m >= y_rows()) {
    return;
  }
  let in_chunk = step % chunk;
  if (in_chunk == 0u) {
    workgroupBarrier(); // what memory held may still be read
    (*block).squares.x = stage(m, step, chunk, at, added, (*block).squares.x);
    workgroupBarrier();
  }
  let group = step + at.lane;
  if (group < groups_of_row()) {
    if (ROWS == 1u) {
      *weights = team_weights(task, group); // not before the barriers: four rows would fill registers across them
    }
    add_products(block, 0u, staged_group(in_chunk + at.lane), weights);
  }
}

// The block's first row goes to its end: one place for barriers in the code, and constant indices as with `turn`.
fn turn_rows(block: ptr<function, Block>) {
  let sums = (*block).sums;
  if (BLOCK_ROWS == 2u) {
    (*block).sums = array<vec4f, 4>(sums[1], sums[0], vec4f(), vec4f());
    (*block).squares = (*block).squares.yxzw;
  }
  if (BLOCK_ROWS == 4u) {
    (*block).sums = array<vec4f, 4>(sums[1], sums[2], sums[3], sums[0]);
    (*block).squares = (*block).squares.yzwx;
  }
}

// The lane's share of `groups` groups of row m. A vec4f is the same lane's whatever the chunk is.
// @returns `before` and the squares of the share
fn stage(m: u32, begin: u32, groups: u32, at: Share, added: f32, before: f32) -> f32 {
  let first = 8u * begin;
  let end = 8u * min(begin + groups, groups_of_row());
  var squares = before;
  for (var four = first + (at.local - first) % WORKGROUP; four < end; four += WORKGROUP) {
    var values = vec4f(); // past the last column
    if (four < params.cols / 4u) {
      values = input_four(m, four, added);
      publish_four(at.first, m, four, values);
      if (NORM == 1u) {
        squares = with_squares(squares, values);
        values *= vectors[params.gain_at / 4u + four];
      }
    }
    staged[PITCH * (four % 8u) + (four - first) / 8u] = values;
  }
  return squares;
}

fn staged_group(at: u32) -> Group {
  return Group(
    staged[at], staged[PITCH + at], staged[2u * PITCH + at], staged[3u * PITCH + at],
    staged[4u * PITCH + at], staged[5u * PITCH + at], staged[6u * PITCH + at], staged[7u * PITCH + at],
  );
}

// From the squares that lanes summed as they staged to those that a lane has of its team's sum.
fn share_of_squares(squares: vec4f, at: Share, lanes: u32) -> vec4f {
  workgroupBarrier(); // what memory held may still be read
  staged[at.local] = squares;
  workgroupBarrier();
  var share = vec4f();
  for (var other = at.lane; other < WORKGROUP; other += lanes) {
    share += staged[other];
  }
  return share;
}
