// Keys and values as int8: a word per quad, then the f32 scale of each group of KV_GROUP_QUADS quads. Names as in
// kv_f32.wgsl. A group of 32 elements keeps an outlier from taking the precision of the whole head.

alias KvUnit = u32;

const KV_GROUP_QUADS = 8u; // kernels/common/kv.ts says the same

fn kv_units(head_quads: u32) -> u32 {
  return head_quads + (head_quads + KV_GROUP_QUADS - 1u) / KV_GROUP_QUADS;
}

fn kv_load(at: u32, quad: u32, head_quads: u32) -> vec4f {
  let word = bitcast<i32>(kv[at + quad]);
  let bytes = (vec4i(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);
  return bitcast<f32>(kv[at + head_quads + quad / KV_GROUP_QUADS]) * vec4f(bytes);
}
