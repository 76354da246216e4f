// Weight format q5_k: weight = d * scale * five bits - dmin * min. Groups of 32 have a 6-bit scale and min, 8 groups a d
// and a dmin.
//   section 0: low nibbles, a vec4u per group; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: high bits, a word per group; bit k of byte b is that of weight 4 k + b
//   section 2: a vec4u per 8 groups: d and dmin as f16, then 12 bytes of scales and mins packed as in the file

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let factors = scale_and_min(w[sections.z / 4u + block / 8u], block % 8u);
  let scales = vec4f(factors.x);
  let offset = vec4f(-factors.y);
  let bits_at = sections.y + block;
  let bits = w[bits_at / 4u][bits_at % 4u];
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  // scale * five bits is exact, so that it makes no difference whether it is rounded before the sum.
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
