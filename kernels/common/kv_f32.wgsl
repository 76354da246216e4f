// Keys and values as f32. Every kv_*.wgsl says how a quad is stored, for kv_read.wgsl or kv_read_write.wgsl to bind.

alias KvQuad = vec4f;

fn kv_widen(stored: KvQuad) -> vec4f {
  return stored;
}

fn kv_narrow(value: vec4f) -> KvQuad {
  return value;
}
