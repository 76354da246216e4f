// A linear layer: y[m, y_at + r] (+)= sum over k of w[r, k] * x[m, k] (+ bias[r]), the rows r being those of one to three
// matrices, one after the other. Here is what all variants share: bindings, the reading of x, and what happens to a
// finished sum. Needs batch.wgsl, the formats' loaders and one file each of stack_*.wgsl and rows_*.wgsl.
//
// With NORM, x is RMS-normalized on the way: it is multiplied by the gain as it is read, whoever reads it also sums its
// squares, and the finished sum is divided by their root mean square. So the norm costs no pass over x of its own.

struct Matrix {
  rows: u32,
  section_1: u32,
  section_2: u32,
  section_3: u32,
}

struct Params {
  matrix: array<Matrix, MATRICES>,
  cols: u32,        // of the matrices: a multiple of 4
  x_stride: u32,    // f32 elements, a multiple of 4
  y_at: u32,        // where these rows begin in a row of y
  y_stride: u32,
  gain_at: u32,     // [cols] in vectors, a multiple of 4
  bias_at: u32,     // [rows of all matrices] in vectors
  eps: f32,
  on_outputs: u32,  // 1: y (and x, unless it is gathered) has a row per output of the batch, 0: a row per token
  add_gain_at: u32, // [cols] in vectors, a multiple of 4: sandwich_*.wgsl
  add_eps: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [x rows, x_stride / 4]
@group(0) @binding(0) var<storage, read> vectors: array<vec4f>; // the model's small vectors
@group(0) @binding(0) var<storage, read_write> y: array<f32>;   // [y rows, y_stride]

fn y_rows() -> u32 {
  return select(batch.rows, batch.outputs, params.on_outputs == 1u);
}

// The row of x that row m of y is made from; the last one past the end, where nothing is stored.
fn x_row(m: u32) -> u32 {
  let last = min(m, y_rows() - 1u);
  if (GATHER == 1u) {
    return output_row(last);
  }
  return last;
}

// Groups of 32 columns in a row.
fn groups_of_row() -> u32 {
  return (params.cols + 31u) / 32u;
}

// Where the loader finds a group of row r of a matrix. Rows are clamped: what lies past the last is computed again, and
// not stored.
fn block_in(matrix: u32, r: u32, group: u32) -> u32 {
  return min(r, params.matrix[matrix].rows - 1u) * groups_of_row() + group;
}

fn sections_of(matrix: u32) -> vec4u {
  let own = params.matrix[matrix];
  return vec4u(0u, own.section_1, own.section_2, own.section_3);
}

// 32 columns of a row. Taken apart with constant indices only, so that they stay in registers everywhere.
alias Group = array<vec4f, 8>;

fn weights_of(task: Task, slot: u32, group: u32) -> Group {
  let at = row_of(task, slot);
  return weights_in(at.x, at.y, group);
}

// Columns of a group that exist, in fours.
fn present_in(group: u32) -> u32 {
  return params.cols / 4u - 8u * group;
}

// Of row m, zero past the last column. What lies there in memory may be anything.
fn x_of(m: u32, group: u32) -> Group {
  let at = x_row(m) * (params.x_stride / 4u) + 8u * group;
  let v = Group(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
  return without_rest(v, group);
}

fn without_rest(v: Group, group: u32) -> Group {
  let present = present_in(group);
  if (present >= 8u) {
    return v;
  }
  return Group(
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

// 32 elements of a vector that begins at `at`, for the columns of a group.
fn vector_of(at: u32, group: u32) -> Group {
  let first = at / 4u + 8u * group;
  return Group(
    vectors[first], vectors[first + 1u], vectors[first + 2u], vectors[first + 3u],
    vectors[first + 4u], vectors[first + 5u], vectors[first + 6u], vectors[first + 7u],
  );
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

fn with_squares(sum: f32, v: vec4f) -> f32 {
  return fma(v.w, v.w, fma(v.z, v.z, fma(v.y, v.y, fma(v.x, v.x, sum))));
}

fn largest_of(values: Group) -> f32 {
  let low = max(max(abs(values[0]), abs(values[1])), max(abs(values[2]), abs(values[3])));
  let high = max(max(abs(values[4]), abs(values[5])), max(abs(values[6]), abs(values[7])));
  let four = max(low, high);
  return max(max(four.x, four.y), max(four.z, four.w));
}

// The value of row r of the stack, from its sum.
// @param squares sum of the squares of row m of x
fn value_of(r: u32, sum: f32, squares: f32) -> f32 {
  var value = sum;
  if (NORM == 1u) {
    value *= inverseSqrt(squares / f32(params.cols) + params.eps);
  }
  if (BIAS == 1u) {
    let at = params.bias_at + r;
    value += vectors[at / 4u][at % 4u];
  }
  return value;
}

fn put(m: u32, r: u32, value: f32) {
  let at = m * params.y_stride + params.y_at + r;
  if (ACCUMULATE == 1u) {
    y[at] += value;
  } else {
    y[at] = value;
  }
}
