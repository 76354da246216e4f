// Weight format iq4_xs: weight = d * (six bits - 32) * codebook[nibble]. Groups of 32 have a 6-bit scale, 8 groups a d.
//   section 0: nibbles, a vec4u per group; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: two words per 8 groups: d as f16 (low) and the scales' upper 2 bits (high); their lower 4 bits

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + 2u * (block / 8u);
  let heads = w[at / 4u];
  let head = select(heads.xy, heads.zw, at % 4u == 2u);
  let group = block % 8u;
  let six = ((head.y >> (4u * group)) & 15u) | (((head.x >> (16u + 2u * group)) & 3u) << 4u);
  let scale = f32_of_half(head.x & 0xffffu) * (f32(six) - 32.0);
  let low = w[block];
  let high = w[block] >> vec4u(4u);
  return array<vec4f, 8>(
    iq4_values(low.x) * scale,
    iq4_values(low.y) * scale,
    iq4_values(low.z) * scale,
    iq4_values(low.w) * scale,
    iq4_values(high.x) * scale,
    iq4_values(high.y) * scale,
    iq4_values(high.z) * scale,
    iq4_values(high.w) * scale,
  );
}
