// Weight format q4_k: weight = d * scale * nibble - dmin * min. Groups of 32 have a 6-bit scale and min, 8 groups a d and
// a dmin.
//   section 0: nibbles, a vec4u per group; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: a vec4u per 8 groups: d and dmin as f16, then 12 bytes of scales and mins packed as in the file

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let head = w[sections.y / 4u + block / 8u];
  // Groups 0-3: 6 bits each. Groups 4-7: 4 bits from the last word, 2 from the top of what groups 0-3 use.
  let shift = 8u * (block % 4u);
  let early = block % 8u < 4u;
  let top = head.yz >> vec2u(shift);
  let rest = head.w >> shift;
  let late = vec2u(rest & 15u, (rest >> 4u) & 15u) | (((top >> vec2u(6u)) & vec2u(3u)) << vec2u(4u));
  let six = vec2f(select(late, top & vec2u(63u), early)); // scale, min
  let scale = f32_of_half(head.x & 0xffffu) * six.x;
  let offset = vec4f(-f32_of_half(head.x >> 16u) * six.y);
  let scales = vec4f(scale);
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
