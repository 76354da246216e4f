// Weight format iq2_xxs: weight = d * (scale + 1/2) / 4 * (+-) codebook value. Groups of 8 have a codebook index and their
// signs, groups of 32 a scale, 256 weights a d.
//   section 0: two words per 32 weights: four indices; four times 7 signs, then 4 bits of scale
//   section 1: f16 scales of scales, two to a word
//   section 3: the codebook, two entries to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.y + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let bits = select(w[block / 2u].xy, w[block / 2u].zw, block % 2u == 1u);
  let scale = d * (0.5 + f32(bits.y >> 28u)) * 0.25;
  let indices = (vec4u(bits.x) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
  let entries = vec4u(
    entry_of(indices.x, sections.w),
    entry_of(indices.y, sections.w),
    entry_of(indices.z, sections.w),
    entry_of(indices.w, sections.w),
  );
  let signs = even_signs((vec4u(bits.y) >> vec4u(0u, 7u, 14u, 21u)) & vec4u(127u));
  return array<vec4f, 8>(
    iq2_values(entries.x, signs.x) * scale,
    iq2_values(entries.x >> 8u, signs.x >> 4u) * scale,
    iq2_values(entries.y, signs.y) * scale,
    iq2_values(entries.y >> 8u, signs.y >> 4u) * scale,
    iq2_values(entries.z, signs.z) * scale,
    iq2_values(entries.z >> 8u, signs.z >> 4u) * scale,
    iq2_values(entries.w, signs.w) * scale,
    iq2_values(entries.w >> 8u, signs.w >> 4u) * scale,
  );
}

// Entry of the codebook, at word `at` of the matrix.
fn entry_of(index: u32, at: u32) -> u32 {
  let word = at + index / 2u;
  return (w[word / 4u][word % 4u] >> (16u * (index % 2u))) & 0xffffu;
}
