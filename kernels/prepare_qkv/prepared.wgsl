// Elements of a query or key head of `qkv` as attention wants them: after the head's norm (norm.wgsl, plain.wgsl) and
// its rotation (common/rope.wgsl). An element's partner is read again rather than exchanged between lanes.
// Needs of params: rope_dims (even, 0: no rotation), rope_style, tables_at, coarse_at.

// HEAD_QUADS, as a number that compilers do not know: the loops that prepare a head are long when unrolled (software
// adapters take minutes to compile them, or crash: Mesa 26.1's lavapipe on the norm).
fn head_quads() -> u32 {
  return min(HEAD_QUADS, params.qkv_stride / 4u);
}

// Element i of the head whose first element is qkv[first].
fn prepared(first: u32, i: u32, scale: f32, gain_at: u32, position: u32) -> f32 {
  let value = head_value(first, i, scale, gain_at);
  if (i >= params.rope_dims) {
    return value;
  }
  let pairs = params.rope_dims / 2u;
  let adjacent = params.rope_style == STYLE_ADJACENT;
  let second = select(i >= pairs, i % 2u == 1u, adjacent);
  let pair = select(select(i, i - pairs, second), i / 2u, adjacent);
  let distance = select(pairs, 1u, adjacent);
  let partner = head_value(first, select(i + distance, i - distance, second), scale, gain_at);
  let turn = rope_angle(position, pair, params.rope_dims, params.tables_at, params.coarse_at);
  return value * turn.x + select(-partner, partner, second) * turn.y;
}

fn prepared_quad(first: u32, quad: u32, scale: f32, gain_at: u32, position: u32) -> vec4f {
  let i = 4u * quad;
  return vec4f(
    prepared(first, i, scale, gain_at, position),
    prepared(first, i + 1u, scale, gain_at, position),
    prepared(first, i + 2u, scale, gain_at, position),
    prepared(first, i + 3u, scale, gain_at, position),
  );
}

// Largest magnitude in the group of quads that this one is stored with, of a key and of a value; 0 without groups.
fn key_largest(first: u32, quad: u32, scale: f32, gain_at: u32, position: u32) -> f32 {
  var largest = vec4f(0.0);
  if (KV_GROUP_QUADS > 1u) {
    let from_quad = quad / KV_GROUP_QUADS * KV_GROUP_QUADS;
    for (var i = from_quad; i < min(from_quad + KV_GROUP_QUADS, head_quads()); i++) {
      largest = max(largest, abs(prepared_quad(first, i, scale, gain_at, position)));
    }
  }
  return max(max(largest.x, largest.y), max(largest.z, largest.w));
}

fn value_largest(first: u32, quad: u32) -> f32 {
  var largest = vec4f(0.0);
  if (KV_GROUP_QUADS > 1u) {
    let from_quad = quad / KV_GROUP_QUADS * KV_GROUP_QUADS;
    for (var i = from_quad; i < min(from_quad + KV_GROUP_QUADS, head_quads()); i++) {
      largest = max(largest, abs(plain_quad(first, i)));
    }
  }
  return max(max(largest.x, largest.y), max(largest.z, largest.w));
}

// A quad of a value head: as it is.
fn plain_quad(first: u32, quad: u32) -> vec4f {
  let i = first + 4u * quad;
  return vec4f(qkv[i], qkv[i + 1u], qkv[i + 2u], qkv[i + 3u]);
}
