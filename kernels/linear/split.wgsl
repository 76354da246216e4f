// Teams that share the columns of the same rows, where a matrix is too small to keep a GPU busy with a team per few rows:
// team s of `split` takes every split-th step, and the first adds up what all found, in order. Decided by the shapes of
// the stack alone, never by the number of rows of x. few_rows.ts says the same. Constant: MOST_SPLITS.

const ENOUGH_ROWS = 4096u;

fn split_of() -> u32 {
  var rows = 0u;
  for (var i = 0u; i < MATRICES; i++) {
    rows += params.matrix[i].rows;
  }
  let steps = (groups_of_row() + LANES - 1u) / LANES;
  var split = 1u;
  while (split < min(MOST_SPLITS, TEAMS) && split * rows < ENOUGH_ROWS && 2u * split <= steps) {
    split *= 2u;
  }
  return split;
}
