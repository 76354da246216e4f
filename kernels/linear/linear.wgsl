// A linear layer: y[m, y_at + r] (+)= sum over k of w[r, k] * x[m, k] (+ bias[r]). Here is what all variants share:
// bindings, the reading of x, and what happens to a finished sum. Needs batch.wgsl and a weight format's loader.
//
// With NORM, x is RMS-normalized on the way: it is multiplied by the gain as it is read, whoever reads it also sums its
// squares, and the finished sum is divided by their root mean square. So the norm costs no pass and no barrier.

struct Params {
  cols: u32,       // of the matrix: a multiple of 4
  rows: u32,       // of this part of the matrix
  x_stride: u32,   // f32 elements
  y_at: u32,       // where this part's rows begin in a row of y
  y_stride: u32,
  gain_at: u32,    // [cols] in vectors
  bias_at: u32,    // [rows] in vectors
  eps: f32,
  on_outputs: u32, // 1: x and y have a row per output of the batch, 0: a row per token
  section_1: u32,
  section_2: u32,
  section_3: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [x rows, x_stride / 4]
@group(0) @binding(0) var<storage, read> vectors: array<f32>;   // the model's small vectors
@group(0) @binding(0) var<storage, read_write> y: array<f32>;   // [x rows, y_stride]

fn x_rows() -> u32 {
  return select(batch.rows, batch.outputs, params.on_outputs == 1u);
}

// Groups of 32 columns in a row.
fn groups_of_row() -> u32 {
  return (params.cols + 31u) / 32u;
}

// Of row `r`, or of the last where there are fewer: what they add is not stored.
fn weights_of(r: u32, group: u32) -> array<vec4f, 8> {
  let block = min(r, params.rows - 1u) * groups_of_row() + group;
  return weights_32(block, vec4u(0u, params.section_1, params.section_2, params.section_3));
}

// Row m of x in a group of columns, zero past the last column. What lies there in memory may be anything.
fn x_of(m: u32, group: u32) -> array<vec4f, 8> {
  let at = (min(m, x_rows() - 1u) * params.x_stride + 32u * group) / 4u;
  var values = array<vec4f, 8>(
    x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u],
  );
  let present = (params.cols - 32u * group) / 4u;
  if (present < 8u) {
    for (var i = 0u; i < 8u; i++) {
      values[i] = select(vec4f(), values[i], i < present);
    }
  }
  return values;
}

fn gain_of(group: u32) -> array<vec4f, 8> {
  var values: array<vec4f, 8>;
  for (var i = 0u; i < 8u; i++) {
    let at = params.gain_at + 32u * group + 4u * i;
    values[i] = vec4f(vectors[at], vectors[at + 1u], vectors[at + 2u], vectors[at + 3u]);
  }
  return values;
}

fn sum4(v: vec4f) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

// @param squares sum of the squares of row m of x
fn store(m: u32, r: u32, sum: f32, squares: f32) {
  if (m >= x_rows() || r >= params.rows) {
    return;
  }
  var value = sum;
  if (NORM == 1u) {
    value *= inverseSqrt(squares / f32(params.cols) + params.eps);
  }
  if (BIAS == 1u) {
    value += vectors[params.bias_at + r];
  }
  let at = m * params.y_stride + params.y_at + r;
  if (ACCUMULATE == 1u) {
    value += y[at];
  }
  y[at] = value;
}
