// Storing as packed f16, clamped to the largest one so that no Inf is stored. Names as in kv_f32_store.wgsl.

fn kv_packed(value: vec4f) -> vec2u {
  let bounded = clamp(value, vec4f(-65504.0), vec4f(65504.0));
  return vec2u(pack2x16float(bounded.xy), pack2x16float(bounded.zw));
}

fn kv_store(at: u32, quad: u32, head_quads: u32, value: vec4f, largest: f32) {
  kv[at + quad] = kv_packed(value);
}

fn kv_kept(value: vec4f, largest: f32) -> vec4f {
  let stored = kv_packed(value);
  return vec4f(unpack2x16float(stored.x), unpack2x16float(stored.y));
}
