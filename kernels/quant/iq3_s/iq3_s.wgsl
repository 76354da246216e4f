// Weight format iq3_s: weight = d * (2 * scale + 1) * (+-) codebook value. Groups of 4 have a codebook index, groups of 32 a
// scale, 256 weights a d.
//   section 0: two words of indices' lower bytes per 32 weights
//   section 1: 11 words per 256 weights: a word of signs per group of 32, a byte of indices' upper bits, 4 bits of scale
//   section 2: f16 scales of scales, two to a word
//   section 3: the codebook, two entries to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.z + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let bits = select(w[block / 2u].xy, w[block / 2u].zw, block % 2u == 1u);
  let group = block % 8u;
  let rest_at = sections.y + 11u * (block / 8u);
  let upper = word_of(rest_at + 8u + group / 4u) >> (8u * (group % 4u));
  let scale = d * f32(2u * ((word_of(rest_at + 10u) >> (4u * group)) & 15u) + 1u);
  let signs = vec4u(word_of(rest_at + group)) >> vec4u(0u, 8u, 16u, 24u);
  let first = entries_of(indices_of(bits.x, upper), sections.w);
  let second = entries_of(indices_of(bits.y, upper >> 4u), sections.w);
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

fn word_of(at: u32) -> u32 {
  return w[at / 4u][at % 4u];
}

fn indices_of(lower: u32, upper: u32) -> vec4u {
  let ninth = (vec4u(upper) >> vec4u(0u, 1u, 2u, 3u)) & vec4u(1u);
  return ((vec4u(lower) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u)) | (ninth << vec4u(8u));
}

// 1, 3 ... 15.
fn values(entry: u32, signs: u32) -> vec4f {
  return with_signs(vec4f(2u * iq3_codes(entry) + 1u), signs);
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
