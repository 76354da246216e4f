// Sums of a lane for up to 16 rows of x, and what becomes of them when the columns are through: for few_rows*.wgsl.

// Which columns are an invocation's, and what it does for its workgroup.
struct Share {
  lane: u32,    // of those that share the columns: takes every so many groups from this one on
  local: u32,   // index in the workgroup
  first: bool,  // the workgroup of the stack's first rows
}

// Sums of up to four rows of x.
struct Block {
  sums: array<vec4f, 4>, // of the team's rows of the matrix, of which there may be two only
  squares: vec4f,
}

const BLOCKS = (ROWS + 3u) / 4u;

// The blocks of all rows. A loop works on the first and then turns them around, so that every index is a constant and
// all sums stay in registers, without a copy of the code for each row.
struct Partial {
  first: Block,
  second: Block,
  third: Block,
  fourth: Block,
}

// The first block goes to the end.
fn turn(partial: ptr<function, Partial>, first: Block) {
  if (BLOCKS == 1u) {
    (*partial).first = first;
  }
  if (BLOCKS == 2u) {
    (*partial).first = (*partial).second;
    (*partial).second = first;
  }
  if (BLOCKS == 4u) {
    (*partial).first = (*partial).second;
    (*partial).second = (*partial).third;
    (*partial).third = (*partial).fourth;
    (*partial).fourth = first;
  }
}

// What the variant does with each row's sums: finish_row, in order. It is also told the row's place in its block, a
// constant.
fn finish_rows(partial: ptr<function, Partial>, m: u32, at: Place) {
  for (var i = 0u; i < ROWS; i += 4u) {
    let block = (*partial).first;
    finish_row(i, 0u, m, at, block.sums[0], block.squares[0]);
    if (ROWS > 1u) {
      finish_row(i + 1u, 1u, m, at, block.sums[1], block.squares[1]);
    }
    if (ROWS > 2u) {
      finish_row(i + 2u, 2u, m, at, block.sums[2], block.squares[2]);
      finish_row(i + 3u, 3u, m, at, block.sums[3], block.squares[3]);
    }
    turn(partial, block);
  }
}

fn store_sums(m: u32, task: Task, sums: vec4f, squares: f32) {
  if (TEAM_ROWS == 4u) {
    store_pair(m, task, 0u, sums.x, sums.z, squares);
    store_pair(m, task, 1u, sums.y, sums.w, squares);
  } else {
    store_pair(m, task, 0u, sums.x, sums.y, squares);
  }
}
