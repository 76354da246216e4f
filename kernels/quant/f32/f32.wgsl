// Weight format f32: 8 vec4u per 32 weights.

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = 8u * block;
  return array<vec4f, 8>(
    bitcast<vec4f>(w[at]),
    bitcast<vec4f>(w[at + 1u]),
    bitcast<vec4f>(w[at + 2u]),
    bitcast<vec4f>(w[at + 3u]),
    bitcast<vec4f>(w[at + 4u]),
    bitcast<vec4f>(w[at + 5u]),
    bitcast<vec4f>(w[at + 6u]),
    bitcast<vec4f>(w[at + 7u]),
  );
}
