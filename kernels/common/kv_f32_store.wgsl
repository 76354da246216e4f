// Storing as f32: see kv_f32.wgsl. `largest` is the largest magnitude of the quad's group, ignored without groups.

fn kv_store(at: u32, quad: u32, head_quads: u32, value: vec4f, largest: f32) {
  kv[at + quad] = value;
}

// What kv_load will give after kv_store: a token's own attention uses its key as those after it do.
fn kv_kept(value: vec4f, largest: f32) -> vec4f {
  return value;
}
