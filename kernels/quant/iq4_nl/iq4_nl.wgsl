// Weight format iq4_nl: weight = codebook[nibble] * scale, blocks of 32.
//   section 0: nibbles, a vec4u per block; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: f16 scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + block / 2u;
  let scale = f32_of_half((w[at / 4u][at % 4u] >> (16u * (block % 2u))) & 0xffffu);
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
