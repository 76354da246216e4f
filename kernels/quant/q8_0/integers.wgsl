const ONE_SCALE = true;

fn integers_32(block: u32, sections: vec4u) -> Integers {
  let at = sections.y + block / 2u;
  let scale = f32_of_half((w[at / 4u][at % 4u] >> (16u * (block % 2u))) & 0xffffu);
  return Integers(array<vec4u, 2>(w[2u * block], w[2u * block + 1u]), vec2f(scale), 0.0);
}
