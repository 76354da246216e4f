// Weights of a team as floats, and their products with a group of x: for few_rows.wgsl and few_rows_staged.wgsl.

alias RowWeights = Group;

fn row_weights(task: Task, slot: u32, group: u32) -> RowWeights {
  return weights_of(task, slot, group);
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
