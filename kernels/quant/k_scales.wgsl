// Scale and min of a group of 32 weights in Q4_K and Q5_K, from the 16 bytes that a block of 8 groups begins with: d and
// dmin as f16, then 12 bytes of scales and mins, six bits each.

fn scale_and_min(head: vec4u, group: u32) -> vec2f {
  // Groups 0-3: 6 bits each. Groups 4-7: 4 bits from the last word, 2 from the top of what groups 0-3 use.
  let shift = 8u * (group % 4u);
  let top = head.yz >> vec2u(shift);
  let rest = head.w >> shift;
  let late = vec2u(rest & 15u, (rest >> 4u) & 15u) | (((top >> vec2u(6u)) & vec2u(3u)) << vec2u(4u));
  let six = vec2f(select(late, top & vec2u(63u), group < 4u));
  return vec2f(f32_of_half(head.x & 0xffffu), f32_of_half(head.x >> 16u)) * six;
}
