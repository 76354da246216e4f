// The rows of the tiled variants: a workgroup of 128 computes 64 rows of the matrix for 64 rows of x. Half of it stages
// weights, the other half x, each invocation one row, 32 columns at a time.

const TILE = 64u;
const TEAM_ROWS = TILE; // the workgroup is one team

// Sides of the staged tile.
const W = 0u;
const X = 1u;

// A row of x as it is multiplied: with the norm, times the gain.
// @param squares with the norm, gains those of x
fn gained_x(m: u32, group: u32, squares: ptr<function, f32>) -> Group {
  let values = x_of(m, group);
  if (NORM == 1u) {
    *squares += dot_product(values, values);
    return product(values, vector_of(params.gain_at, group));
  }
  return values;
}
