// Weight format q4_1: weight = nibble * scale + minimum, blocks of 32.
//   section 0: nibbles, a vec4u per block; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: a word per block: scale (low) and minimum (high) as f16

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + block;
  let factors = w[at / 4u][at % 4u];
  let scales = vec4f(f32_of_half(factors & 0xffffu));
  let minimum = vec4f(f32_of_half(factors >> 16u));
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  // nibble * scale is exact, so that it makes no difference whether it is rounded before the sum.
  return array<vec4f, 8>(
    fma(unsigned_bytes(low.x), scales, minimum),
    fma(unsigned_bytes(low.y), scales, minimum),
    fma(unsigned_bytes(low.z), scales, minimum),
    fma(unsigned_bytes(low.w), scales, minimum),
    fma(unsigned_bytes(high.x), scales, minimum),
    fma(unsigned_bytes(high.y), scales, minimum),
    fma(unsigned_bytes(high.z), scales, minimum),
    fma(unsigned_bytes(high.w), scales, minimum),
  );
}
