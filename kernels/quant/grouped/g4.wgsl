// Weight format G4: weight = nibble * scale + bias, groups of 32, 64 or 128 weights.
//   section 0: nibbles, a vec4u per 32 weights; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: scale and bias of each group, f32

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let factors = factors_of(block, sections.y);
  let scale = vec4f(factors.x);
  let bias = vec4f(factors.y);
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  return array<vec4f, 8>(
    fma(unsigned_bytes(low.x), scale, bias),
    fma(unsigned_bytes(low.y), scale, bias),
    fma(unsigned_bytes(low.z), scale, bias),
    fma(unsigned_bytes(low.w), scale, bias),
    fma(unsigned_bytes(high.x), scale, bias),
    fma(unsigned_bytes(high.y), scale, bias),
    fma(unsigned_bytes(high.z), scale, bias),
    fma(unsigned_bytes(high.w), scale, bias),
  );
}
