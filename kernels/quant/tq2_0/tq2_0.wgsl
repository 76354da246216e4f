// Weight format tq2_0: weight = (two bits - 1) * scale, blocks of 256.
//   section 0: bit pairs, two words per 32 weights; byte b of word g holds, from its low bits on, those of weights
//              16 g + b, 16 g + b + 4, 16 g + b + 8, 16 g + b + 12
//   section 1: f16 scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.y + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let bits = select(w[block / 2u].xy, w[block / 2u].zw, block % 2u == 1u);
  return array<vec4f, 8>(
    two_bits(bits.x) * d,
    two_bits(bits.x >> 2u) * d,
    two_bits(bits.x >> 4u) * d,
    two_bits(bits.x >> 6u) * d,
    two_bits(bits.y) * d,
    two_bits(bits.y >> 2u) * d,
    two_bits(bits.y >> 4u) * d,
    two_bits(bits.y >> 6u) * d,
  );
}

fn two_bits(bits: u32) -> vec4f {
  return unsigned_bytes(bits & 0x03030303u) - 1.0;
}
