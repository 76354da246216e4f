// The 16 values of IQ4_NL and IQ4_XS, signed bytes in four words. Chosen by selects: an array that is indexed would be
// copied to every invocation's memory by some drivers.

// Of four nibbles, one in the low bits of each byte.
fn iq4_values(nibbles: u32) -> vec4f {
  let n = (vec4u(nibbles) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u);
  let odd = (n & vec4u(4u)) != vec4u();
  let low = select(vec4u(0xbfad9881u), vec4u(0xf6eaddcfu), odd);  // -127 -104 -83 -65, -49 -35 -22 -10
  let high = select(vec4u(0x26190d01u), vec4u(0x71594535u), odd); // 1 13 25 38, 53 69 89 113
  let four = select(low, high, n >= vec4u(8u));
  return vec4f(bitcast<vec4i>(four << (vec4u(24u) - 8u * (n & vec4u(3u)))) >> vec4u(24u));
}
