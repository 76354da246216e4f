// Weight format mxfp4: weight = E2M1 value * 2^(exponent - 127), blocks of 32.
//   section 0: nibbles, a vec4u per block; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: exponents, four to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + block / 4u;
  let exponent = (w[at / 4u][at % 4u] >> (8u * (block % 4u))) & 255u;
  // 2^(exponent - 128), as the values are doubled. Exponents 0 and 1 are subnormal, which some adapters take for zero.
  let scale = bitcast<f32>(select((exponent - 1u) << 23u, 0x00200000u << exponent, exponent < 2u));
  let low = w[block];
  let high = w[block] >> vec4u(4u);
  return array<vec4f, 8>(
    e2m1_values(low.x) * scale,
    e2m1_values(low.y) * scale,
    e2m1_values(low.z) * scale,
    e2m1_values(low.w) * scale,
    e2m1_values(high.x) * scale,
    e2m1_values(high.y) * scale,
    e2m1_values(high.z) * scale,
    e2m1_values(high.w) * scale,
  );
}
