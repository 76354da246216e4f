// Weight format bf16: 4 vec4u per 32 weights, two to a word. The upper half of an f32.

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = 4u * block;
  let a = w[at];
  let b = w[at + 1u];
  let c = w[at + 2u];
  let d = w[at + 3u];
  return array<vec4f, 8>(
    four_bf16(a.xy), four_bf16(a.zw),
    four_bf16(b.xy), four_bf16(b.zw),
    four_bf16(c.xy), four_bf16(c.zw),
    four_bf16(d.xy), four_bf16(d.zw),
  );
}

fn four_bf16(words: vec2u) -> vec4f {
  return bitcast<vec4f>((words.xxyy << vec4u(16u, 0u, 16u, 0u)) & vec4u(0xffff0000u));
}
