// What tile.wgsl multiplies where rows are staged as floats: in f32 or f16, by which stage_*.wgsl is linked.

fn stage_weights(row: u32, task: Task, group: u32) {
  stage(W, row, weights_of(task, row, group));
}

fn stage_x(row: u32, values: Group) {
  stage(X, row, values);
}

// Adds the products of the staged columns: of rows a, a + W_STEP, ... of the matrix and b, b + X_STEP, ... of x.
fn add_products(sums: ptr<function, Sums>, a: u32, b: u32) {
  var products = Sums(); // said, not implied: some drivers do not zero it again in a loop
  for (var k = 0u; k < 8u; k++) {
    let x0 = staged(X, b, k);
    let x1 = staged(X, b + X_STEP, k);
    let x2 = staged(X, b + 2u * X_STEP, k);
    let x3 = staged(X, b + 3u * X_STEP, k);
    for (var i = 0u; i < W_EACH; i++) {
      let weights = staged(W, a + W_STEP * i, k);
      products[i] += vec4f(dot(weights, x0), dot(weights, x1), dot(weights, x2), dot(weights, x3));
    }
  }
  let x_units = vec4f(
    unit_of(X, b), unit_of(X, b + X_STEP), unit_of(X, b + 2u * X_STEP), unit_of(X, b + 3u * X_STEP),
  );
  for (var i = 0u; i < W_EACH; i++) {
    (*sums)[i] = fma(products[i], x_units * unit_of(W, a + W_STEP * i), (*sums)[i]);
  }
}
