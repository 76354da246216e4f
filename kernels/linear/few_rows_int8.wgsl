// Linear for a few rows of x with x in eight bits (int8.wgsl), in the place of few_rows.wgsl: the columns of x are rounded
// once for a workgroup and kept in its memory. The squares of the norm are those of x as it was.
//
// Memory holds CHUNK groups of up to four rows of x. Each lane sees the same groups in the same order whatever ROWS is.

const BLOCK_ROWS = min(ROWS, 4u);
const ENTRIES = BLOCK_ROWS * CHUNK;

var<workgroup> quants: array<vec4u, 2u * ENTRIES>; // [16 columns, row, group]
var<workgroup> factors: array<vec3f, ENTRIES>;     // [row, group]: unit, sum of the whole numbers, sum of x's squares

alias RowWeights = Integers;

fn row_weights(task: Task, slot: u32, group: u32) -> RowWeights {
  return integers_of(task, slot, group);
}

// As in few_rows.wgsl. To be reached by the whole workgroup.
fn partial_of(m: u32, task: Task, at: Share, lanes: u32, added: ptr<function, array<f32, ROWS>>) -> Partial {
  var partial: Partial;
  for (var begin = 0u; begin < groups_of_row(); begin += CHUNK) {
    let end = min(begin + CHUNK, groups_of_row());
    var weights: Weights;
    if (ROWS > BLOCK_ROWS) { // CHUNK == lanes: read once for all blocks
      weights = team_weights(task, begin + at.lane);
    }
    for (var i = 0u; i < ROWS; i += 4u) {
      workgroupBarrier(); // the groups before may still be read
      for (var entry = at.local; entry < ENTRIES; entry += WORKGROUP) {
        let group = begin + entry % CHUNK;
        if (group < end) {
          let row = i + entry / CHUNK;
          put_x(entry, at.first, m + row, group, (*added)[row]);
        }
      }
      workgroupBarrier();
      var block = partial.first;
      for (var group = begin + at.lane; group < end; group += lanes) {
        if (ROWS <= BLOCK_ROWS) {
          weights = team_weights(task, group);
        }
        let entry = group - begin;
        add_row(&block, 0u, entry, &weights);
        if (ROWS > 1u) {
          add_row(&block, 1u, CHUNK + entry, &weights);
        }
        if (ROWS > 2u) {
          add_row(&block, 2u, 2u * CHUNK + entry, &weights);
          add_row(&block, 3u, 3u * CHUNK + entry, &weights);
        }
      }
      turn(&partial, block);
    }
  }
  return partial;
}

// Rounds one group of row m.
fn put_x(entry: u32, first: bool, m: u32, group: u32, added: f32) {
  var values = input_of(m, group, added);
  publish(first, m, group, values);
  var squares = 0.0;
  if (NORM == 1u) {
    squares = dot_product(values, values);
    values = product(values, vector_of(params.gain_at, group));
  }
  let of_x = rounded_group(values);
  quants[entry] = of_x.words[0];
  quants[ENTRIES + entry] = of_x.words[1];
  factors[entry] = vec3f(of_x.unit, of_x.sum, squares);
}

// Adds the products of one group to row i of the block.
fn add_row(block: ptr<function, Block>, i: u32, entry: u32, weights: ptr<function, Weights>) {
  let known = factors[entry];
  let of_x = Rounded(array<vec4u, 2>(quants[entry], quants[ENTRIES + entry]), known.x, known.y);
  (*block).squares[i] += known.z;
  (*block).sums[i].x = with_product((*block).sums[i].x, (*weights).first, of_x);
  (*block).sums[i].y = with_product((*block).sums[i].y, (*weights).second, of_x);
  if (TEAM_ROWS == 4u) {
    (*block).sums[i].z = with_product((*block).sums[i].z, (*weights).third, of_x);
    (*block).sums[i].w = with_product((*block).sums[i].w, (*weights).fourth, of_x);
  }
}
