// Two f16 to a word, the first in the low half. f16 KV belongs to the mode `fast`: the adapter's rounding will do.
// Clamped to the largest f16, so that no Inf is stored.
@group(0) @binding(0) var<storage, read_write> kv: array<vec2u>;

fn store(at: u32, value: vec4f) {
  let bounded = clamp(value, vec4f(-65504.0), vec4f(65504.0));
  kv[at] = vec2u(pack2x16float(bounded.xy), pack2x16float(bounded.zw));
}
