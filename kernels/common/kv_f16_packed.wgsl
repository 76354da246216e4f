// Keys and values as f16 on devices without shader-f16: two to a word, the first in the low half; clamped to the largest
// f16, so that no Inf is stored. (Weights are never widened by unpack2x16float: it may flush subnormals. In the cache
// that is a rounding error of the mode `fast`.)

alias KvQuad = vec2u;

fn kv_widen(stored: KvQuad) -> vec4f {
  return vec4f(unpack2x16float(stored.x), unpack2x16float(stored.y));
}

fn kv_narrow(value: vec4f) -> KvQuad {
  let bounded = clamp(value, vec4f(-65504.0), vec4f(65504.0));
  return vec2u(pack2x16float(bounded.xy), pack2x16float(bounded.zw));
}
