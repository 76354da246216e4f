// Linear for a few rows of x (decoding, small batches): each weight is read once for all of them. A team of LANES lanes
// computes two rows of the matrix for ROWS rows of x; lane l takes the groups of columns l, l + LANES, ... How a team
// forms and adds up is the variant's.
//
// A row's sum does not depend on ROWS: the same lane adds the same products in the same order, in a batch and alone.

const W_ROWS = 2u;

struct Partial {
  sums: array<vec2f, ROWS>, // of the two rows of the matrix
  squares: array<f32, ROWS>,
}

// Rows of x to compute from row m on. Few are always ROWS, which compilers unroll; unrolling many takes some of them
// seconds, so there the batch tells.
fn rows_from(m: u32) -> u32 {
  if (ROWS <= 4u) {
    return ROWS;
  }
  return min(ROWS, x_rows() - m);
}

// A lane's share of the sums, from row m of x and row r of the matrix on.
fn partial_of(m: u32, r: u32, lane: u32) -> Partial {
  var partial: Partial;
  let rows = rows_from(m);
  for (var group = lane; group < groups_of_row(); group += LANES) {
    let first = weights_of(r, group);
    let second = weights_of(r + 1u, group);
    var gain: Group;
    if (NORM == 1u) {
      gain = gain_of(group);
    }
    for (var i = 0u; i < rows; i++) {
      var values = x_of(m + i, group);
      if (NORM == 1u) {
        partial.squares[i] += dot_product(values, values);
        values = product(values, gain);
      }
      partial.sums[i] += vec2f(dot_product(first, values), dot_product(second, values));
    }
  }
  return partial;
}
