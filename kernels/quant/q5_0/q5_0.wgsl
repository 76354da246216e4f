// Weight format q5_0: weight = (five bits - 16) * scale, blocks of 32.
//   section 0: low nibbles, a vec4u per block; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: high bits, a word per block; bit k of byte b is that of weight 4 k + b
//   section 2: f16 scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let scale_at = sections.z + block / 2u;
  let scales = vec4f(f32_of_half((w[scale_at / 4u][scale_at % 4u] >> (16u * (block % 2u))) & 0xffffu));
  let offset = -16.0 * scales;
  let bits_at = sections.y + block;
  let bits = w[bits_at / 4u][bits_at % 4u];
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  // Both products are exact, so that one rounding is left at most, and none in fact.
  return array<vec4f, 8>(
    fma(five_bits(low.x, bits), scales, offset),
    fma(five_bits(low.y, bits >> 1u), scales, offset),
    fma(five_bits(low.z, bits >> 2u), scales, offset),
    fma(five_bits(low.w, bits >> 3u), scales, offset),
    fma(five_bits(high.x, bits >> 4u), scales, offset),
    fma(five_bits(high.y, bits >> 5u), scales, offset),
    fma(five_bits(high.z, bits >> 6u), scales, offset),
    fma(five_bits(high.w, bits >> 7u), scales, offset),
  );
}

fn five_bits(low: u32, high: u32) -> vec4f {
  return unsigned_bytes(low | ((high & 0x01010101u) << 4u));
}
