// Linear for a few rows of x (decoding, small batches): each weight is read and unpacked once for all of them. A team of
// lanes computes TEAM_ROWS rows of the matrix, two or four, for ROWS rows of x; a lane takes every so many groups of
// columns, and what it reads of x and of the gain serves all of the team's rows. How a team forms and adds up is the
// variant's.
//
// A row's sum does not depend on ROWS or TEAM_ROWS: the same lane adds the same products in the same order, in a batch
// and alone.

// A lane's share of the sums, from row m of y on. Rows past the last are computed as the last, or left out, and not
// stored.
// @param lanes that share the columns
// @param added sums of the squares of the rows of add, with SANDWICH
fn partial_of(m: u32, task: Task, at: Share, lanes: u32, added: ptr<function, array<f32, ROWS>>) -> Partial {
  let publishes = at.first && task.first == 0u;
  var partial: Partial;
  for (var group = at.lane; group < groups_of_row(); group += lanes) {
    var weights = team_weights(task, group);
    var gain: Group;
    if (NORM == 1u) {
      gain = vector_of(params.gain_at, group);
    }
    for (var i = 0u; i < ROWS; i += 4u) {
      var block = partial.first;
      if (m + i < y_rows()) {
        add_row(&block, publishes, 0u, m + i, group, &weights, &gain, (*added)[i]);
        if (ROWS > 1u) {
          add_row(&block, publishes, 1u, m + i + 1u, group, &weights, &gain, (*added)[i + 1u]);
        }
        if (ROWS > 2u) {
          add_row(&block, publishes, 2u, m + i + 2u, group, &weights, &gain, (*added)[i + 2u]);
          add_row(&block, publishes, 3u, m + i + 3u, group, &weights, &gain, (*added)[i + 3u]);
        }
      }
      turn(&partial, block);
    }
  }
  return partial;
}

// Adds the products of one group of row m to row i of the block.
fn add_row(
  block: ptr<function, Block>, publishes: bool, i: u32, m: u32, group: u32, weights: ptr<function, Weights>,
  gain: ptr<function, Group>, added: f32,
) {
  var values = input_of(m, group, added);
  publish(publishes, m, group, values);
  if (NORM == 1u) {
    (*block).squares[i] += dot_product(values, values);
    values = product(values, *gain);
  }
  add_products(block, i, values, weights);
}
