// The nearest f16 of a value, ties to even, as bits, in integer arithmetic: which way pack2x16float and f16() round is up
// to the device, and some GPUs drop the bits. Beyond the largest f16 it is that one, so that no Inf is stored.

fn half_bits(value: vec4f) -> vec4u {
  let bits = bitcast<vec4u>(clamp(value, vec4f(-65504.0), vec4f(65504.0)));
  let sign = (bits >> vec4u(16u)) & vec4u(0x8000u);
  let magnitude = bits & vec4u(0x7fffffffu);
  let normal = shifted_to_even(magnitude - vec4u(0x38000000u), vec4u(13u)); // the exponent's bias goes from 127 to 15
  // Below 2^-14 the unit is 2^-24: a significand with exponent e (biased) is shifted by 126 - e; from 25 on nothing is left.
  let shift = min(vec4u(126u) - min(magnitude >> vec4u(23u), vec4u(112u)), vec4u(25u));
  let subnormal = shifted_to_even((magnitude & vec4u(0x007fffffu)) | vec4u(0x00800000u), shift);
  return sign | select(subnormal, normal, magnitude >= vec4u(0x38800000u));
}

// a / 2^shift, rounded.
fn shifted_to_even(a: vec4u, shift: vec4u) -> vec4u {
  let below_half = (vec4u(1u) << (shift - vec4u(1u))) - vec4u(1u);
  return (a + below_half + ((a >> shift) & vec4u(1u))) >> shift;
}
