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

// 32 columns of a row. Taken apart with constant indices only, so that they stay in registers everywhere.
alias Group = array<vec4f, 8>;

// Of row `r` of the matrix, or of the last where there are fewer: what they add is not stored.
fn weights_of(r: u32, group: u32) -> Group {
  let block = min(r, params.rows - 1u) * groups_of_row() + group;
  return weights_32(block, vec4u(0u, params.section_1, params.section_2, params.section_3));
}

// Of row m of x, zero past the last column. What lies there in memory may be anything.
fn x_of(m: u32, group: u32) -> Group {
  let at = (min(m, x_rows() - 1u) * params.x_stride + 32u * group) / 4u;
  var v = Group(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
  let present = (params.cols - 32u * group) / 4u;
  if (present < 8u) {
    v = Group(
      v[0],
      select(vec4f(), v[1], present > 1u),
      select(vec4f(), v[2], present > 2u),
      select(vec4f(), v[3], present > 3u),
      select(vec4f(), v[4], present > 4u),
      select(vec4f(), v[5], present > 5u),
      select(vec4f(), v[6], present > 6u),
      vec4f(),
    );
  }
  return v;
}

fn gain_of(group: u32) -> Group {
  let at = params.gain_at + 32u * group;
  return Group(
    gain4(at), gain4(at + 4u), gain4(at + 8u), gain4(at + 12u),
    gain4(at + 16u), gain4(at + 20u), gain4(at + 24u), gain4(at + 28u),
  );
}

fn gain4(at: u32) -> vec4f {
  return vec4f(vectors[at], vectors[at + 1u], vectors[at + 2u], vectors[at + 3u]);
}

fn product(a: Group, b: Group) -> Group {
  return Group(a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3], a[4] * b[4], a[5] * b[5], a[6] * b[6], a[7] * b[7]);
}

// Written with fma, so that no compiler rounds it in two ways.
fn dot_product(a: Group, b: Group) -> f32 {
  var sum = a[0] * b[0];
  sum = fma(a[1], b[1], sum);
  sum = fma(a[2], b[2], sum);
  sum = fma(a[3], b[3], sum);
  sum = fma(a[4], b[4], sum);
  sum = fma(a[5], b[5], sum);
  sum = fma(a[6], b[6], sum);
  sum = fma(a[7], b[7], sum);
  return (sum.x + sum.y) + (sum.z + sum.w);
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
