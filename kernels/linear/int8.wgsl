// Rows of x in eight bits, and their products with whole numbers: 32 columns, already times the gain, are rounded to whole
// numbers of -127 to 127 (a unit is the largest magnitude / 127). Products are added up as integers, four at once, and
// brought to size once per group. Source of the idea: q8_1 and its dot products with ggml's blocks (llama.cpp,
// ggml-cuda/vecdotq.cuh).

requires packed_4x8_integer_dot_product;

// 32 columns of a row of x.
struct Rounded {
  words: array<vec4u, 2>, // as Integers has them
  unit: f32,
  sum: f32,               // of the whole numbers
}

fn rounded_group(values: Group) -> Rounded {
  let largest = largest_of(values);
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
  return Rounded(array<vec4u, 2>(a, b), largest / 127.0, f32(dot_bytes(a, ones) + dot_bytes(b, ones)));
}

fn rounded(values: vec4f) -> u32 {
  return pack4xI8(vec4i(round(values)));
}

fn dot_bytes(a: vec4u, b: vec4u) -> i32 {
  return dot4I8Packed(a.x, b.x) + dot4I8Packed(a.y, b.y) + dot4I8Packed(a.z, b.z) + dot4I8Packed(a.w, b.w);
}

// 32 columns of a row of the matrix.
fn integers_of(task: Task, slot: u32, group: u32) -> Integers {
  let at = row_of(task, slot);
  return integers_in(at.x, at.y, group);
}

fn with_product(sum: f32, weights: Integers, x: Rounded) -> f32 {
  let low = dot_bytes(weights.words[0], x.words[0]);
  let high = dot_bytes(weights.words[1], x.words[1]);
  var both: f32;
  if (ONE_SCALE) {
    both = weights.scales.x * f32(low + high); // one conversion for two
  } else {
    both = fma(weights.scales.y, f32(high), weights.scales.x * f32(low));
  }
  return fma(fma(weights.offset, x.sum, both), x.unit, sum);
}
