// Storing as f16. Names as in kv_f32_store.wgsl. Needs half_bits.wgsl.

fn kv_rounded(value: vec4f) -> vec4h {
  let bits = half_bits(value);
  return bitcast<vec4h>(bits.xz | (bits.yw << vec2u(16u)));
}

fn kv_store(at: u32, quad: u32, head_quads: u32, value: vec4f, largest: f32) {
  kv[at + quad] = kv_rounded(value);
}

fn kv_kept(value: vec4f, largest: f32) -> vec4f {
  return vec4f(kv_rounded(value));
}
