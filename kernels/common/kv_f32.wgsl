// Keys and values as f32. Every kv_*.wgsl says how the heads of one token are stored, for kv_read.wgsl or
// kv_read_write.wgsl to bind: `at` is where a head begins, in units of KvUnit.

alias KvUnit = vec4f;

const KV_GROUP_QUADS = 1u; // elements are stored relative to the largest of so many quads, where that is more than one

// Units of one head of one token.
fn kv_units(head_quads: u32) -> u32 {
  return head_quads;
}

fn kv_load(at: u32, quad: u32, head_quads: u32) -> vec4f {
  return kv[at + quad];
}
