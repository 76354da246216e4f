// Keys and values as f16. Names as in kv_f32.wgsl.

enable f16;

alias KvUnit = vec4h;

const KV_GROUP_QUADS = 1u;

fn kv_units(head_quads: u32) -> u32 {
  return head_quads;
}

fn kv_load(at: u32, quad: u32, head_quads: u32) -> vec4f {
  return vec4f(kv[at + quad]);
}
