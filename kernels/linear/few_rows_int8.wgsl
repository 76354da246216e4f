// Linear for a few rows of x with x in eight bits, in the place of few_rows.wgsl: the columns of x, with the gain, are
// rounded to whole numbers of -127 to 127 per group of 32 (a unit is the largest magnitude / 127), once for a workgroup
// and kept in its memory; products are added up as integers, four at once, and brought to size once per group. The
// squares of the norm are those of x as it was.
//
// Memory holds CHUNK groups of up to four rows of x. Each lane sees the same groups in the same order whatever ROWS is.
// Source of the idea: q8_1 and its dot products with ggml's blocks (llama.cpp, ggml-cuda/vecdotq.cuh).

requires packed_4x8_integer_dot_product;

const BLOCK_ROWS = min(ROWS, 4u);
const ENTRIES = BLOCK_ROWS * CHUNK;

var<workgroup> quants: array<vec4u, 2u * ENTRIES>; // [16 columns, row, group]
var<workgroup> factors: array<vec3f, ENTRIES>;     // [row, group]: unit, sum of the whole numbers, sum of x's squares

struct Weights {
  first: Integers,
  second: Integers,
  third: Integers,
  fourth: Integers,
}

fn integers_of(task: Task, slot: u32, group: u32) -> Integers {
  let at = row_of(task, slot);
  return integers_in(at.x, at.y, group);
}

fn team_weights(task: Task, group: u32) -> Weights {
  var weights: Weights;
  weights.first = integers_of(task, 0u, group);
  weights.second = integers_of(task, 1u, group);
  if (TEAM_ROWS == 4u) {
    weights.third = integers_of(task, 2u, group);
    weights.fourth = integers_of(task, 3u, group);
  }
  return weights;
}

// As in few_rows.wgsl. To be reached by the whole workgroup.
fn partial_of(m: u32, task: Task, at: Share, added: ptr<function, array<f32, ROWS>>) -> Partial {
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
      for (var group = begin + at.lane; group < end; group += at.lanes) {
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
  let low = max(max(abs(values[0]), abs(values[1])), max(abs(values[2]), abs(values[3])));
  let high = max(max(abs(values[4]), abs(values[5])), max(abs(values[6]), abs(values[7])));
  let four = max(low, high);
  let largest = max(max(four.x, four.y), max(four.z, four.w));
  let inverse = 127.0 / max(largest, 1e-30);
  let a = vec4u(
    rounded(values[0] * inverse), rounded(values[1] * inverse),
    rounded(values[2] * inverse), rounded(values[3] * inverse),
  );
  let b = vec4u(
    rounded(values[4] * inverse), rounded(values[5] * inverse),
    rounded(values[6] * inverse), rounded(values[7] * inverse),
  );
  let ones = vec4u(0x01010101u);
  quants[entry] = a;
  quants[ENTRIES + entry] = b;
  factors[entry] = vec3f(largest / 127.0, f32(dot_bytes(a, ones) + dot_bytes(b, ones)), squares);
}

fn rounded(values: vec4f) -> u32 {
  return pack4xI8(vec4i(round(values)));
}

fn dot_bytes(a: vec4u, b: vec4u) -> i32 {
  return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

// Adds the products of one group to row i of the block.
fn add_row(block: ptr<function, Block>, i: u32, entry: u32, weights: ptr<function, Weights>) {
  let a = quants[entry];
  let b = quants[ENTRIES + entry];
  let of_x = factors[entry];
  (*block).squares[i] += of_x.z;
  (*block).sums[i].x = with_product((*block).sums[i].x, (*weights).first, a, b, of_x);
  (*block).sums[i].y = with_product((*block).sums[i].y, (*weights).second, a, b, of_x);
  if (TEAM_ROWS == 4u) {
    (*block).sums[i].z = with_product((*block).sums[i].z, (*weights).third, a, b, of_x);
    (*block).sums[i].w = with_product((*block).sums[i].w, (*weights).fourth, a, b, of_x);
  }
}

fn with_product(sum: f32, weights: Integers, a: vec4u, b: vec4u, of_x: vec3f) -> f32 {
  let low = weights.scales.x * f32(dot_bytes(weights.words[0], a));
  let both = fma(weights.scales.y, f32(dot_bytes(weights.words[1], b)), low);
  return fma(fma(weights.offset, of_x.y, both), of_x.x, sum);
}
