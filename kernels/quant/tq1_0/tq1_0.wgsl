// Weight format tq1_0: weight = (ternary digit - 1) * scale, blocks of 256. A byte is a fraction of 256: times 3, what
// passes 256 is its first digit.
//   section 0: two vec4u per block: digit n (0-4) of byte i is that of weight 32 n + i
//   section 1: a vec4u per block: digit n (0-4) of byte i is that of weight 160 + 16 n + i
//   section 2: a word per block: digit n (0-3) of byte i is that of weight 240 + 4 n + i
//   section 3: f16 scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let d_at = sections.w + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let whole = block / 8u;
  let group = block % 8u;
  let middle = w[sections.y / 4u + whole];
  if (group < 5u) {
    let a = w[2u * whole];
    let b = w[2u * whole + 1u];
    return array<vec4f, 8>(
      digits(a.x, group) * d,
      digits(a.y, group) * d,
      digits(a.z, group) * d,
      digits(a.w, group) * d,
      digits(b.x, group) * d,
      digits(b.y, group) * d,
      digits(b.z, group) * d,
      digits(b.w, group) * d,
    );
  }
  let n = 2u * (group - 5u);
  let last_at = sections.z + whole;
  let last = w[last_at / 4u][last_at % 4u];
  let ends = group == 7u;
  return array<vec4f, 8>(
    digits(middle.x, n) * d,
    digits(middle.y, n) * d,
    digits(middle.z, n) * d,
    digits(middle.w, n) * d,
    digits(select(middle.x, last, ends), select(n + 1u, 0u, ends)) * d,
    digits(select(middle.y, last, ends), select(n + 1u, 1u, ends)) * d,
    digits(select(middle.z, last, ends), select(n + 1u, 2u, ends)) * d,
    digits(select(middle.w, last, ends), select(n + 1u, 3u, ends)) * d,
  );
}

// Digit n of four bytes, less 1.
fn digits(word: u32, n: u32) -> vec4f {
  let bytes = (vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
  let powers = select(select(1u, 3u, n % 2u == 1u), 81u, n == 4u) * select(1u, 9u, n / 2u == 1u);
  return vec4f((((bytes * powers) & vec4u(255u)) * 3u) >> vec4u(8u)) - 1.0;
}
