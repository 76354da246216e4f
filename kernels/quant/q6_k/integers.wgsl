const ONE_SCALE = false;

fn integers_32(block: u32, sections: vec4u) -> Integers {
  let d_at = sections.w + block / 16u;
  let d = f32_of_half((w[d_at / 4u][d_at % 4u] >> (16u * ((block / 8u) % 2u))) & 0xffffu);
  let scale_at = sections.z + block / 2u;
  let scales = signed_bytes(w[scale_at / 4u][scale_at % 4u] >> (16u * (block % 2u))).xy * d;
  let high_at = sections.y + 2u * block;
  let four = w[high_at / 4u];
  let high = select(four.xy, four.zw, high_at % 4u == 2u);
  let nibbles = w[block];
  let low_bits = nibbles & vec4u(0x0f0f0f0fu);
  let high_bits = (nibbles >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  let words = array<vec4u, 2>(
    less_32(low_bits | (pairs_of(high.x) << vec4u(4u))),
    less_32(high_bits | (pairs_of(high.y) << vec4u(4u))),
  );
  return Integers(words, scales, 0.0);
}

fn pairs_of(word: u32) -> vec4u {
  return (vec4u(word) >> vec4u(0u, 2u, 4u, 6u)) & vec4u(0x03030303u);
}

// 32 less in every byte, as a signed byte. Bytes are below 64, so that none carries.
fn less_32(bytes: vec4u) -> vec4u {
  return (bytes + vec4u(0x60606060u)) ^ vec4u(0x80808080u);
}
