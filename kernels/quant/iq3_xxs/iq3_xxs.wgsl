// Weight format iq3_xxs: weight = d * (scale + 1/2) / 2 * (+-) codebook value. Groups of 4 have a codebook index, groups of
// 32 a scale, 256 weights a d.
//   section 0: two words of indices per 32 weights
//   section 1: a word per 32 weights: four times 7 signs, then 4 bits of scale
//   section 2: f16 scales of scales, two to a word
//   section 3: the codebook, two entries to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.z + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let bits = select(w[block / 2u].xy, w[block / 2u].zw, block % 2u == 1u);
  let rest_at = sections.y + block;
  let rest = w[rest_at / 4u][rest_at % 4u];
  let scale = d * (0.5 + f32(rest >> 28u)) * 0.5;
  let signs = even_signs((vec4u(rest) >> vec4u(0u, 7u, 14u, 21u)) & vec4u(127u));
  let first = entries_of((vec4u(bits.x) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u), sections.w);
  let second = entries_of((vec4u(bits.y) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u), sections.w);
  return array<vec4f, 8>(
    values(first.x, signs.x) * scale,
    values(first.y, signs.x >> 4u) * scale,
    values(first.z, signs.y) * scale,
    values(first.w, signs.y >> 4u) * scale,
    values(second.x, signs.z) * scale,
    values(second.y, signs.z >> 4u) * scale,
    values(second.z, signs.w) * scale,
    values(second.w, signs.w >> 4u) * scale,
  );
}

// 4, 12, 20 ... 52, and 62.
fn values(entry: u32, signs: u32) -> vec4f {
  let codes = iq3_codes(entry);
  return with_signs(vec4f(4u + 8u * codes + 2u * (codes / 7u)), signs);
}

fn entries_of(indices: vec4u, at: u32) -> vec4u {
  return vec4u(
    entry_of(indices.x, at), entry_of(indices.y, at), entry_of(indices.z, at), entry_of(indices.w, at),
  );
}

// Entry of the codebook, at word `at` of the matrix.
fn entry_of(index: u32, at: u32) -> u32 {
  let word = at + index / 2u;
  return (w[word / 4u][word % 4u] >> (16u * (index % 2u))) & 0xffffu;
}
