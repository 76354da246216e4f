// The values of MXFP4 and NVFP4, doubled so that they are whole: 0 1 2 3 4 6 8 12, and a sign. Chosen by a select: an
// array that is indexed would be copied to every invocation's memory by some drivers.

// Of four nibbles, one in the low bits of each byte.
fn e2m1_values(nibbles: u32) -> vec4f {
  let n = (vec4u(nibbles) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u);
  let four = select(vec4u(0x03020100u), vec4u(0x0c080604u), (n & vec4u(4u)) != vec4u());
  let magnitude = vec4f((four >> (8u * (n & vec4u(3u)))) & vec4u(255u));
  return select(magnitude, -magnitude, n >= vec4u(8u));
}
