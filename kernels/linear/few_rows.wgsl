// Linear for a few rows of x (decoding, small batches): each weight is read once for all of them. A team of LANES lanes
// computes TEAM_ROWS rows of the matrix for ROWS rows of x; lane l takes the groups of columns l, l + LANES, ... How a
// team forms and adds up is the variant's.
//
// A row's sum does not depend on ROWS or TEAM_ROWS: the same lane adds the same products in the same order, in a batch
// and alone.

struct Partial {
  sums: array<vec4f, ROWS>, // of the team's rows of the matrix, of which there may be two only
  squares: array<f32, ROWS>,
}

// Rows of x to compute from row m on. Few are always ROWS, which compilers unroll; unrolling many takes some of them
// seconds, so there the batch tells.
fn rows_from(m: u32) -> u32 {
  if (ROWS <= 4u) {
    return ROWS;
  }
  return min(ROWS, y_rows() - m);
}

// A lane's share of the sums, from row m of y on.
// @param added sums of the squares of the rows of add, with SANDWICH
fn partial_of(m: u32, task: Task, lane: u32, added: array<f32, ROWS>) -> Partial {
  var partial: Partial;
  let rows = rows_from(m);
  for (var group = lane; group < groups_of_row(); group += LANES) {
    let first = weights_of(task, 0u, group);
    let second = weights_of(task, 1u, group);
    var third: Group;
    var fourth: Group;
    if (TEAM_ROWS == 4u) {
      third = weights_of(task, 2u, group);
      fourth = weights_of(task, 3u, group);
    }
    var gain: Group;
    if (NORM == 1u) {
      gain = vector_of(params.gain_at, group);
    }
    for (var i = 0u; i < rows; i++) {
      var values = input_of(m + i, group, added[i]);
      publish(task, m + i, group, values);
      if (NORM == 1u) {
        partial.squares[i] += dot_product(values, values);
        values = product(values, gain);
      }
      if (TEAM_ROWS == 4u) {
        partial.sums[i] += vec4f(
          dot_product(first, values), dot_product(second, values), dot_product(third, values), dot_product(fourth, values),
        );
      } else {
        partial.sums[i] += vec4f(dot_product(first, values), dot_product(second, values), 0.0, 0.0);
      }
    }
  }
  return partial;
}

fn store_sums(m: u32, task: Task, sums: vec4f, squares: f32) {
  if (TEAM_ROWS == 4u) {
    store_pair(m, task, 0u, sums.x, sums.z, squares);
    store_pair(m, task, 1u, sums.y, sums.w, squares);
  } else {
    store_pair(m, task, 0u, sums.x, sums.y, squares);
  }
}
