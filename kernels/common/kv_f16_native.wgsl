// Keys and values as f16, clamped to the largest f16 so that no Inf is stored.

enable f16;

alias KvQuad = vec4h;

fn kv_widen(stored: KvQuad) -> vec4f {
  return vec4f(stored);
}

fn kv_narrow(value: vec4f) -> KvQuad {
  return vec4h(clamp(value, vec4f(-65504.0), vec4f(65504.0)));
}
