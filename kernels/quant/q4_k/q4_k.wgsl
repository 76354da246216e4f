// Weight format q4_k: weight = d * scale * nibble - dmin * min. Groups of 32 have a 6-bit scale and min, 8 groups a d and
// a dmin.
//   section 0: nibbles, a vec4u per group; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: a vec4u per 8 groups: d and dmin as f16, then 12 bytes of scales and mins packed as in the file

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let factors = scale_and_min(w[sections.y / 4u + block / 8u], block % 8u);
  let scales = vec4f(factors.x);
  let offset = vec4f(-factors.y);
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  // scale * nibble is exact, so that it makes no difference whether it is rounded before the sum.
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
