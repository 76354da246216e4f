// Storing as f16, clamped to the largest one so that no Inf is stored. Names as in kv_f32_store.wgsl.

fn kv_store(at: u32, quad: u32, head_quads: u32, value: vec4f, largest: f32) {
  kv[at + quad] = vec4h(clamp(value, vec4f(-65504.0), vec4f(65504.0)));
}

fn kv_kept(value: vec4f, largest: f32) -> vec4f {
  return vec4f(vec4h(clamp(value, vec4f(-65504.0), vec4f(65504.0))));
}
