// Weight format q5_1: weight = five bits * scale + minimum, blocks of 32.
//   section 0: low nibbles, a vec4u per block; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: high bits, a word per block; bit k of byte b is that of weight 4 k + b
//   section 2: a word per block: scale (low) and minimum (high) as f16

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let factors_at = sections.z + block;
  let factors = w[factors_at / 4u][factors_at % 4u];
  let scales = vec4f(f32_of_half(factors & 0xffffu));
  let minimum = vec4f(f32_of_half(factors >> 16u));
  let bits_at = sections.y + block;
  let bits = w[bits_at / 4u][bits_at % 4u];
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  // five bits * scale is exact, so that it makes no difference whether it is rounded before the sum.
  return array<vec4f, 8>(
    fma(five_bits(low.x, bits), scales, minimum),
    fma(five_bits(low.y, bits >> 1u), scales, minimum),
    fma(five_bits(low.z, bits >> 2u), scales, minimum),
    fma(five_bits(low.w, bits >> 3u), scales, minimum),
    fma(five_bits(high.x, bits >> 4u), scales, minimum),
    fma(five_bits(high.y, bits >> 5u), scales, minimum),
    fma(five_bits(high.z, bits >> 6u), scales, minimum),
    fma(five_bits(high.w, bits >> 7u), scales, minimum),
  );
}

fn five_bits(low: u32, high: u32) -> vec4f {
  return unsigned_bytes(low | ((high & 0x01010101u) << 4u));
}
