enable f16;

@group(0) @binding(0) var<storage, read> kv: array<vec4h>;

fn kv_load(at: u32) -> vec4f {
  return vec4f(kv[at]);
}
