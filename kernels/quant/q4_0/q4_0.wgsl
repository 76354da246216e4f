// Weight format q4_0: weight = (nibble - 8) * scale, blocks of 32.
//   section 0: nibbles, a vec4u per block; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: f16 scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + block / 2u;
  let scales = vec4f(f32_of_half((w[at / 4u][at % 4u] >> (16u * (block % 2u))) & 0xffffu));
  let offset = -8.0 * scales;
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  // Both products are exact, so that one rounding is left at most, and none in fact.
  return array<vec4f, 8>(
    fma(unsigned_bytes(low.x), scales, offset),
    fma(unsigned_bytes(low.y), scales, offset),
    fma(unsigned_bytes(low.z), scales, offset),
    fma(unsigned_bytes(low.w), scales, offset),
    fma(unsigned_bytes(high.x), scales, offset),
    fma(unsigned_bytes(high.y), scales, offset),
    fma(unsigned_bytes(high.z), scales, offset),
    fma(unsigned_bytes(high.w), scales, offset),
  );
}
