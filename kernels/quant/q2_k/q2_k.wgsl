// Weight format q2_k: weight = d * scale * two bits - dmin * min. Groups of 16 have a 4-bit scale and min, 16 groups a d
// and a dmin.
//   section 0: bit pairs, two words per 32 weights; byte b of word g holds, from its low bits on, those of weights
//              16 g + b, 16 g + b + 4, 16 g + b + 8, 16 g + b + 12
//   section 1: scales (low nibble) and mins (high), a byte per 16 weights
//   section 2: a word per 256 weights: d (low) and dmin (high) as f16

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.z + block / 8u;
  let d = w[d_at / 4u][d_at % 4u];
  let factors_at = sections.y + block / 2u;
  let factors = w[factors_at / 4u][factors_at % 4u] >> (16u * (block % 2u));
  let scales = f32_of_half(d & 0xffffu) * vec2f((vec2u(factors) >> vec2u(0u, 8u)) & vec2u(15u));
  let mins = f32_of_half(d >> 16u) * vec2f((vec2u(factors) >> vec2u(4u, 12u)) & vec2u(15u));
  let bits = select(w[block / 2u].xy, w[block / 2u].zw, block % 2u == 1u);
  // scale * two bits is exact, so that it makes no difference whether it is rounded before the sum.
  return array<vec4f, 8>(
    fma(two_bits(bits.x), vec4f(scales.x), vec4f(-mins.x)),
    fma(two_bits(bits.x >> 2u), vec4f(scales.x), vec4f(-mins.x)),
    fma(two_bits(bits.x >> 4u), vec4f(scales.x), vec4f(-mins.x)),
    fma(two_bits(bits.x >> 6u), vec4f(scales.x), vec4f(-mins.x)),
    fma(two_bits(bits.y), vec4f(scales.y), vec4f(-mins.y)),
    fma(two_bits(bits.y >> 2u), vec4f(scales.y), vec4f(-mins.y)),
    fma(two_bits(bits.y >> 4u), vec4f(scales.y), vec4f(-mins.y)),
    fma(two_bits(bits.y >> 6u), vec4f(scales.y), vec4f(-mins.y)),
  );
}

fn two_bits(bits: u32) -> vec4f {
  return unsigned_bytes(bits & 0x03030303u);
}
