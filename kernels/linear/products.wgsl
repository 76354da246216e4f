// Weights of a team as floats, and their products with a group of x: for few_rows.wgsl and few_rows_staged.wgsl.

// 32 columns of the team's rows.
struct Weights {
  first: Group,
  second: Group,
  third: Group,
  fourth: Group,
}

fn team_weights(task: Task, group: u32) -> Weights {
  var weights: Weights;
  weights.first = weights_of(task, 0u, group);
  weights.second = weights_of(task, 1u, group);
  if (TEAM_ROWS == 4u) {
    weights.third = weights_of(task, 2u, group);
    weights.fourth = weights_of(task, 3u, group);
  }
  return weights;
}

// To row i of the block.
fn add_products(block: ptr<function, Block>, i: u32, values: Group, weights: ptr<function, Weights>) {
  (*block).sums[i].x += dot_product((*weights).first, values);
  (*block).sums[i].y += dot_product((*weights).second, values);
  if (TEAM_ROWS == 4u) {
    (*block).sums[i].z += dot_product((*weights).third, values);
    (*block).sums[i].w += dot_product((*weights).fourth, values);
  }
}
