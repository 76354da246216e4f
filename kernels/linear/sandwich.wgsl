// Gemma's sandwich norm: the rows that are multiplied are x + rms_norm(add), add being what the layer before gave. The
// norm needs all of a row of add before its first column, so that a team begins by summing its squares.
// sandwich_only.wgsl or sandwich_publish.wgsl goes with it.

const SANDWICH = 1u;

@group(0) @binding(0) var<storage, read> add: array<vec4f>; // [x rows, x_stride / 4]

// A lane's share of the sum of the squares of row m.
fn add_squares(m: u32, lane: u32, lanes: u32) -> f32 {
  var squares = 0.0;
  let first = x_row(m) * (params.x_stride / 4u);
  for (var four = lane; four < params.cols / 4u; four += lanes) {
    squares = with_squares(squares, add[first + four]);
  }
  return squares;
}

fn add_of(m: u32, group: u32) -> Group {
  let at = x_row(m) * (params.x_stride / 4u) + 8u * group;
  let v = Group(
    add[at], add[at + 1u], add[at + 2u], add[at + 3u], add[at + 4u], add[at + 5u], add[at + 6u], add[at + 7u],
  );
  return without_rest(v, group);
}

// @param squares sum of the squares of row m of add
fn input_of(m: u32, group: u32, squares: f32) -> Group {
  let scale = scale_of_add(squares);
  let gain = vector_of(params.add_gain_at, group);
  let a = product(add_of(m, group), gain);
  let b = x_of(m, group);
  return Group(
    fma(a[0], scale, b[0]), fma(a[1], scale, b[1]), fma(a[2], scale, b[2]), fma(a[3], scale, b[3]),
    fma(a[4], scale, b[4]), fma(a[5], scale, b[5]), fma(a[6], scale, b[6]), fma(a[7], scale, b[7]),
  );
}

// The vec4f of four columns that exist: 4 * `four` and after.
fn input_four(m: u32, four: u32, squares: f32) -> vec4f {
  let at = x_row(m) * (params.x_stride / 4u) + four;
  return fma(add[at] * vectors[params.add_gain_at / 4u + four], scale_of_add(squares), x[at]);
}

fn scale_of_add(squares: f32) -> vec4f {
  return vec4f(inverseSqrt(squares / f32(params.cols) + params.add_eps));
}
