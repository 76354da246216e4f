const ONE_SCALE = true;

fn integers_32(block: u32, sections: vec4u) -> Integers {
  let factors = scale_and_min(w[sections.y / 4u + block / 8u], block % 8u);
  let nibbles = w[block];
  let words = array<vec4u, 2>(nibbles & vec4u(0x0f0f0f0fu), (nibbles >> vec4u(4u)) & vec4u(0x0f0f0f0fu));
  return Integers(words, vec2f(factors.x), -factors.y);
}
