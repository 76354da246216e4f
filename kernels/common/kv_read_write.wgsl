// A layer's keys and values, read and written. Addresses are those of kv_pages.wgsl. Needs a kv_<type>.wgsl.

@group(0) @binding(0) var<storage, read_write> kv: array<KvQuad>;

fn kv_load(at: u32) -> vec4f {
  return kv_widen(kv[at]);
}

fn kv_store(at: u32, value: vec4f) {
  kv[at] = kv_narrow(value);
}

// What kv_load will give after kv_store: a token's own attention uses its key as those after it do.
fn kv_kept(value: vec4f) -> vec4f {
  return kv_widen(kv_narrow(value));
}
