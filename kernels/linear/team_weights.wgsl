// A team's weights of 32 columns, in the form that they are multiplied in: products.wgsl or few_rows_int8.wgsl gives
// `RowWeights` and `fn row_weights(task: Task, slot: u32, group: u32) -> RowWeights`.

struct Weights {
  first: RowWeights,
  second: RowWeights,
  third: RowWeights,
  fourth: RowWeights,
}

fn team_weights(task: Task, group: u32) -> Weights {
  var weights: Weights;
  weights.first = row_weights(task, 0u, group);
  weights.second = row_weights(task, 1u, group);
  if (TEAM_ROWS == 4u) {
    weights.third = row_weights(task, 2u, group);
    weights.fourth = row_weights(task, 3u, group);
  }
  return weights;
}
