// Weight format nvfp4: weight = E2M1 value * scale, an unsigned E4M3 scale per 16 weights.
//   section 0: nibbles, a vec4u per 32 weights; byte i of 8 holds weight i (low) and weight i + 8 (high) of 16
//   section 1: scales, a byte per 16 weights

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + block / 2u;
  let bytes = w[at / 4u][at % 4u] >> (16u * (block % 2u));
  let a = half_scale(bytes & 255u);
  let b = half_scale((bytes >> 8u) & 255u);
  let low = w[block];
  let high = w[block] >> vec4u(4u);
  return array<vec4f, 8>(
    e2m1_values(low.x) * a,
    e2m1_values(low.y) * a,
    e2m1_values(high.x) * a,
    e2m1_values(high.y) * a,
    e2m1_values(low.z) * b,
    e2m1_values(low.w) * b,
    e2m1_values(high.z) * b,
    e2m1_values(high.w) * b,
  );
}

// Half of the scale, as the values are doubled. The top bit means nothing; 127, not a number, counts as zero.
fn half_scale(byte: u32) -> f32 {
  let normal = bitcast<f32>(((byte & 127u) << 20u) + (119u << 23u)); // the exponent's bias goes from 7 to 127, less 1
  let subnormal = f32(byte & 7u) * 0.0009765625;
  return select(select(subnormal, normal, (byte & 0x78u) != 0u), 0.0, byte == 127u);
}
