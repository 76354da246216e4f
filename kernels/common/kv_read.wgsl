// A layer's keys and values, read. Addresses are those of kv_pages.wgsl. Needs a kv_<type>.wgsl.

@group(0) @binding(0) var<storage, read> kv: array<KvQuad>;

fn kv_load(at: u32) -> vec4f {
  return kv_widen(kv[at]);
}
