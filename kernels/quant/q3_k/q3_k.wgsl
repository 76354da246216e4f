// Weight format q3_k: weight = d * (scale - 32) * (three bits - 4). Groups of 16 have a 6-bit scale, 16 groups a d.
//   section 0: low bit pairs, two words per 32 weights; byte b of word g holds, from its low bits on, those of weights
//              16 g + b, 16 g + b + 4, 16 g + b + 8, 16 g + b + 12
//   section 1: high bits, a word per 32 weights; bit k of byte b is that of weight 4 k + b
//   section 2: three words of scales per 256 weights, packed as in the file
//   section 3: f16 scales of scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.w + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let scales = d * (six_bit_scales(sections.z + 3u * (block / 8u), block % 8u) - 32.0);
  let high_at = sections.y + block;
  let high = w[high_at / 4u][high_at % 4u];
  let low = select(w[block / 2u].xy, w[block / 2u].zw, block % 2u == 1u);
  return array<vec4f, 8>(
    three_bits(low.x, high) * scales.x,
    three_bits(low.x >> 2u, high >> 1u) * scales.x,
    three_bits(low.x >> 4u, high >> 2u) * scales.x,
    three_bits(low.x >> 6u, high >> 3u) * scales.x,
    three_bits(low.y, high >> 4u) * scales.y,
    three_bits(low.y >> 2u, high >> 5u) * scales.y,
    three_bits(low.y >> 4u, high >> 6u) * scales.y,
    three_bits(low.y >> 6u, high >> 7u) * scales.y,
  );
}

// Scales 2 group and 2 group + 1. Bytes 0-7 hold the lower 4 bits of scales 0-7 (low) and 8-15 (high), bytes 8-11 the
// upper 2 of scales s, s + 4, s + 8, s + 12.
fn six_bit_scales(at: u32, group: u32) -> vec2f {
  let low_at = at + (group % 4u) / 2u;
  let shift = 16u * (group % 2u);
  let low = (w[low_at / 4u][low_at % 4u] >> (shift + 4u * (group / 4u))) & 0x0f0fu;
  let high = (w[(at + 2u) / 4u][(at + 2u) % 4u] >> (shift + 2u * (group / 2u))) & 0x0303u;
  return vec2f((vec2u(low | (high << 4u)) >> vec2u(0u, 8u)) & vec2u(63u));
}

fn three_bits(low: u32, high: u32) -> vec4f {
  return unsigned_bytes((low & 0x03030303u) | ((high & 0x01010101u) << 2u)) - 4.0;
}
