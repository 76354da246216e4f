// Bits to numbers, in integer arithmetic: unpack2x16float may flush subnormals, and two thirds of the f16 scales in some
// small files are subnormal. NaN and infinity do not occur: the loader refuses files that have them.

// Four f16 values, each in the low 16 bits of its component.
fn f32_of_halves(bits: vec4u) -> vec4f {
  let sign = (bits & vec4u(0x8000u)) << vec4u(16u);
  let magnitude = bits & vec4u(0x7fffu);
  let normal = (magnitude << vec4u(13u)) + vec4u(0x38000000u); // the exponent's bias goes from 15 to 127
  let subnormal = bitcast<vec4u>(vec4f(magnitude) * 5.9604644775390625e-8); // units of 2^-24
  return bitcast<vec4f>(sign | select(subnormal, normal, magnitude >= vec4u(0x0400u)));
}

fn f32_of_half(bits: u32) -> f32 {
  let sign = (bits & 0x8000u) << 16u;
  let magnitude = bits & 0x7fffu;
  let normal = (magnitude << 13u) + 0x38000000u;
  let subnormal = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8);
  return bitcast<f32>(sign | select(subnormal, normal, magnitude >= 0x0400u));
}

// The four bytes of a word, lowest first.
fn unsigned_bytes(word: u32) -> vec4f {
  return vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu));
}

fn signed_bytes(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}
