const ONE_SCALE = true;

fn integers_32(block: u32, sections: vec4u) -> Integers {
  let factors = scale_and_min(w[sections.z / 4u + block / 8u], block % 8u);
  let bits_at = sections.y + block;
  let bits = vec4u(w[bits_at / 4u][bits_at % 4u]) >> vec4u(0u, 1u, 2u, 3u);
  let nibbles = w[block];
  let words = array<vec4u, 2>(
    (nibbles & vec4u(0x0f0f0f0fu)) | ((bits & vec4u(0x01010101u)) << vec4u(4u)),
    ((nibbles >> vec4u(4u)) & vec4u(0x0f0f0f0fu)) | (bits & vec4u(0x10101010u)),
  );
  return Integers(words, vec2f(factors.x), -factors.y);
}
