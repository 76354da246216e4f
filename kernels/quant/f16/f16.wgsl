// Weight format f16: 4 vec4u per 32 weights, two to a word.

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = 4u * block;
  let a = w[at];
  let b = w[at + 1u];
  let c = w[at + 2u];
  let d = w[at + 3u];
  return array<vec4f, 8>(
    four_halves(a.xy), four_halves(a.zw),
    four_halves(b.xy), four_halves(b.zw),
    four_halves(c.xy), four_halves(c.zw),
    four_halves(d.xy), four_halves(d.zw),
  );
}

fn four_halves(words: vec2u) -> vec4f {
  return f32_of_halves((words.xxyy >> vec4u(0u, 16u, 0u, 16u)) & vec4u(0xffffu));
}
