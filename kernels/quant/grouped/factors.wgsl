// Scale and bias of the group that a block of 32 weights belongs to: two f32, so that what files have as f16, bf16 or f32
// is kept exactly. A pair never crosses a vec4u.

fn factors_of(block: u32, section: u32) -> vec2f {
  let at = section + 2u * (block / BLOCKS_PER_GROUP);
  let four = w[at / 4u];
  return bitcast<vec2f>(select(four.xy, four.zw, at % 4u == 2u));
}
