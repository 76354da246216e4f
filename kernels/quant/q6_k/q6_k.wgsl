// Weight format q6_k: weight = d * scale * (six bits - 32). Groups of 16 have a signed 8-bit scale, 16 groups a d.
//   section 0: low nibbles, a vec4u per 32 weights; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: high bit pairs, two words per 32 weights; byte b of word g holds, from its low bits on, those of
//              weights 16 g + b, 16 g + b + 4, 16 g + b + 8, 16 g + b + 12
//   section 2: signed scales, four to a word
//   section 3: f16 scales of scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.w + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let scale_at = sections.z + block / 2u;
  let scales = signed_bytes(w[scale_at / 4u][scale_at % 4u] >> (16u * (block % 2u))).xy * d;
  let high_at = sections.y + 2u * block;
  let high = w[high_at / 4u];
  let high_a = select(high.x, high.z, high_at % 4u == 2u);
  let high_b = select(high.y, high.w, high_at % 4u == 2u);
  let low_a = w[block] & vec4u(0x0f0f0f0fu);
  let low_b = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  return array<vec4f, 8>(
    six_bits(low_a.x, high_a) * scales.x,
    six_bits(low_a.y, high_a >> 2u) * scales.x,
    six_bits(low_a.z, high_a >> 4u) * scales.x,
    six_bits(low_a.w, high_a >> 6u) * scales.x,
    six_bits(low_b.x, high_b) * scales.y,
    six_bits(low_b.y, high_b >> 2u) * scales.y,
    six_bits(low_b.z, high_b >> 4u) * scales.y,
    six_bits(low_b.w, high_b >> 6u) * scales.y,
  );
}

fn six_bits(low: u32, high: u32) -> vec4f {
  return unsigned_bytes(low | ((high & 0x03030303u) << 4u)) - 32.0;
}
