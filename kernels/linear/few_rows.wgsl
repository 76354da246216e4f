// Linear for a few rows of x (decoding, small batches): each weight is read once for all of them. A team of LANES lanes
// computes W_ROWS rows of the matrix for ROWS rows of x; lane l takes the groups of columns l, l + LANES, ... How a team
// forms and adds up is the variant's.
//
// The sum of a row never depends on ROWS or W_ROWS: the same lane adds the same products in the same order, in a batch
// and alone.

const SUMS = ROWS * W_ROWS;

struct Partial {
  sums: array<f32, SUMS>, // [ROWS, W_ROWS]
  squares: array<f32, ROWS>,
}

// A lane's share of the sums, from row m of x and row r of the matrix on.
fn partial_of(m: u32, r: u32, lane: u32) -> Partial {
  var partial: Partial;
  for (var group = lane; group < groups_of_row(); group += LANES) {
    var weights: array<array<vec4f, 8>, W_ROWS>;
    for (var j = 0u; j < W_ROWS; j++) {
      weights[j] = weights_of(r + j, group);
    }
    var gain: array<vec4f, 8>;
    if (NORM == 1u) {
      gain = gain_of(group);
    }
    for (var i = 0u; i < ROWS; i++) {
      var values = x_of(m + i, group);
      if (NORM == 1u) {
        var squares = vec4f();
        for (var k = 0u; k < 8u; k++) {
          squares = fma(values[k], values[k], squares);
          values[k] *= gain[k];
        }
        partial.squares[i] += sum4(squares);
      }
      for (var j = 0u; j < W_ROWS; j++) {
        var sum = vec4f();
        for (var k = 0u; k < 8u; k++) {
          sum = fma(weights[j][k], values[k], sum);
        }
        partial.sums[i * W_ROWS + j] += sum4(sum);
      }
    }
  }
  return partial;
}
