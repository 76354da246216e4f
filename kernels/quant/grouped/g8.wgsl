// Weight format G8: weight = byte * scale + bias, bytes unsigned, groups of 32 or 64 weights.
//   section 0: bytes, 2 vec4u per 32 weights
//   section 1: scale and bias of each group, f32

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let factors = factors_of(block, sections.y);
  let scale = vec4f(factors.x);
  let bias = vec4f(factors.y);
  let a = w[2u * block];
  let b = w[2u * block + 1u];
  return array<vec4f, 8>(
    fma(unsigned_bytes(a.x), scale, bias),
    fma(unsigned_bytes(a.y), scale, bias),
    fma(unsigned_bytes(a.z), scale, bias),
    fma(unsigned_bytes(a.w), scale, bias),
    fma(unsigned_bytes(b.x), scale, bias),
    fma(unsigned_bytes(b.y), scale, bias),
    fma(unsigned_bytes(b.z), scale, bias),
    fma(unsigned_bytes(b.w), scale, bias),
  );
}
