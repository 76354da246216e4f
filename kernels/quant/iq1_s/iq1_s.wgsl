// Weight format iq1_s: weight = d * (2 * scale + 1) * (codebook value +- 1/8), values -1, 0 and 1. Groups of 8 have a
// codebook index, groups of 32 a scale and the sign of the shift, 256 weights a d.
//   section 0: a word of four indices' lower bytes per 32 weights
//   section 1: 16 bits per 32 weights: four times 3 upper bits of index, 3 bits of scale, the sign
//   section 2: f16 scales of scales, two to a word
//   section 3: the codebook, two entries to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.z + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let rest_at = sections.y + block / 2u;
  let rest = w[rest_at / 4u][rest_at % 4u] >> (16u * (block % 2u));
  let scale = d * f32(2u * ((rest >> 12u) & 7u) + 1u);
  let shift = select(0.125, -0.125, (rest & 0x8000u) != 0u) - 1.0;
  let lower = (vec4u(w[block / 4u][block % 4u]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
  let indices = lower | (((vec4u(rest) >> vec4u(0u, 3u, 6u, 9u)) & vec4u(7u)) << vec4u(8u));
  let entries = vec4u(
    entry_of(indices.x, sections.w),
    entry_of(indices.y, sections.w),
    entry_of(indices.z, sections.w),
    entry_of(indices.w, sections.w),
  );
  return array<vec4f, 8>(
    (codes(entries.x) + shift) * scale,
    (codes(entries.x >> 8u) + shift) * scale,
    (codes(entries.y) + shift) * scale,
    (codes(entries.y >> 8u) + shift) * scale,
    (codes(entries.z) + shift) * scale,
    (codes(entries.z >> 8u) + shift) * scale,
    (codes(entries.w) + shift) * scale,
    (codes(entries.w >> 8u) + shift) * scale,
  );
}

fn codes(entry: u32) -> vec4f {
  return vec4f((vec4u(entry) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(3u));
}

// Entry of the codebook, at word `at` of the matrix.
fn entry_of(index: u32, at: u32) -> u32 {
  let word = at + index / 2u;
  return (w[word / 4u][word % 4u] >> (16u * (index % 2u))) & 0xffffu;
}
