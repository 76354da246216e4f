// Storing as int8: see kv_int8.wgsl. Names as in kv_f32_store.wgsl.

fn kv_steps(value: vec4f, largest: f32) -> vec4i {
  let inverse = select(0.0, 127.0 / largest, largest > 0.0);
  return vec4i(round(value * inverse));
}

fn kv_store(at: u32, quad: u32, head_quads: u32, value: vec4f, largest: f32) {
  let bytes = bitcast<vec4u>(kv_steps(value, largest)) & vec4u(0xffu);
  kv[at + quad] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
  if (quad % KV_GROUP_QUADS == 0u) {
    kv[at + head_quads + quad / KV_GROUP_QUADS] = bitcast<u32>(largest / 127.0);
  }
}

fn kv_kept(value: vec4f, largest: f32) -> vec4f {
  return largest / 127.0 * vec4f(kv_steps(value, largest));
}
