// What tile.wgsl multiplies where x is rounded to eight bits (int8.wgsl): 64 rows of whole numbers on each side, 6 KiB with
// their factors. Weights stay as the file has them.

var<workgroup> words: array<vec4u, 256>;    // [side (matrix, x), 16 columns, 64]
var<workgroup> w_factors: array<vec3f, 64>; // scales of 16 columns each, offset
var<workgroup> x_factors: array<vec3f, 64>; // unit, sum of the whole numbers, at the end the sum of x's squares

fn stage_weights(row: u32, task: Task, group: u32) {
  let weights = integers_of(task, row, group);
  words[row] = weights.words[0];
  words[64u + row] = weights.words[1];
  w_factors[row] = vec3f(weights.scales, weights.offset);
}

fn stage_x(row: u32, values: Group) {
  let of_x = rounded_group(values);
  words[128u + row] = of_x.words[0];
  words[192u + row] = of_x.words[1];
  x_factors[row] = vec3f(of_x.unit, of_x.sum, 0.0);
}

fn staged_weights(row: u32) -> Integers {
  let factors = w_factors[row];
  return Integers(array<vec4u, 2>(words[row], words[64u + row]), factors.xy, factors.z);
}

fn staged_x(row: u32) -> Rounded {
  let factors = x_factors[row];
  return Rounded(array<vec4u, 2>(words[128u + row], words[192u + row]), factors.x, factors.y);
}

// As in tile_floats.wgsl.
fn add_products(sums: ptr<function, Sums>, a: u32, b: u32) {
  let x0 = staged_x(b);
  let x1 = staged_x(b + X_STEP);
  let x2 = staged_x(b + 2u * X_STEP);
  let x3 = staged_x(b + 3u * X_STEP);
  for (var i = 0u; i < W_EACH; i++) {
    let weights = staged_weights(a + W_STEP * i);
    let sum = (*sums)[i];
    (*sums)[i] = vec4f(
      with_product(sum.x, weights, x0), with_product(sum.y, weights, x1),
      with_product(sum.z, weights, x2), with_product(sum.w, weights, x3),
    );
  }
}

fn put_squares(row: u32, squares: f32) {
  x_factors[row].z = squares;
}

fn squares_of(row: u32) -> f32 {
  return x_factors[row].z;
}
