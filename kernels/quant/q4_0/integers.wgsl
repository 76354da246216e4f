const ONE_SCALE = true;

fn integers_32(block: u32, sections: vec4u) -> Integers {
  let at = sections.y + block / 2u;
  let scale = f32_of_half((w[at / 4u][at % 4u] >> (16u * (block % 2u))) & 0xffffu);
  let nibbles = w[block];
  let words = array<vec4u, 2>(nibbles & vec4u(0x0f0f0f0fu), (nibbles >> vec4u(4u)) & vec4u(0x0f0f0f0fu));
  return Integers(words, vec2f(scale), -8.0 * scale);
}
