// Storing as f16. Names as in kv_f32_store.wgsl. Needs half_bits.wgsl.

// By way of f32, in which a rounded value is exact (naga has no bitcast to f16).
fn kv_rounded(value: vec4f) -> vec4f {
  let bits = half_bits(value);
  let pairs = bits.xz | (bits.yw << vec2u(16u));
  return vec4f(unpack2x16float(pairs.x), unpack2x16float(pairs.y));
}

fn kv_store(at: u32, quad: u32, head_quads: u32, value: vec4f, largest: f32) {
  kv[at + quad] = vec4h(kv_rounded(value));
}

fn kv_kept(value: vec4f, largest: f32) -> vec4f {
  return kv_rounded(value);
}
