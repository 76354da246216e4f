// Keys and values as f16 on devices without shader-f16: two to a word, the first in the low half. Names as in kv_f32.wgsl.
// (Weights are never widened by unpack2x16float: it may flush subnormals. In the cache that is a rounding error of the
// mode `fast`.)

alias KvUnit = vec2u;

const KV_GROUP_QUADS = 1u;

fn kv_units(head_quads: u32) -> u32 {
  return head_quads;
}

fn kv_load(at: u32, quad: u32, head_quads: u32) -> vec4f {
  let stored = kv[at + quad];
  return vec4f(unpack2x16float(stored.x), unpack2x16float(stored.y));
}
