// Storing as packed f16. Names as in kv_f32_store.wgsl. Needs half_bits.wgsl.

fn kv_packed(value: vec4f) -> vec2u {
  let bits = half_bits(value);
  return bits.xz | (bits.yw << vec2u(16u));
}

fn kv_store(at: u32, quad: u32, head_quads: u32, value: vec4f, largest: f32) {
  kv[at + quad] = kv_packed(value);
}

fn kv_kept(value: vec4f, largest: f32) -> vec4f {
  let stored = kv_packed(value);
  return vec4f(unpack2x16float(stored.x), unpack2x16float(stored.y));
}
