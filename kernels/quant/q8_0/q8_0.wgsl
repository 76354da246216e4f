// Weight format q8_0: weight = byte * scale, blocks of 32.
//   section 0: signed bytes, 2 vec4u per block
//   section 1: f16 scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + block / 2u;
  let scale = f32_of_half((w[at / 4u][at % 4u] >> (16u * (block % 2u))) & 0xffffu);
  let a = w[2u * block];
  let b = w[2u * block + 1u];
  return array<vec4f, 8>(
    signed_bytes(a.x) * scale,
    signed_bytes(a.y) * scale,
    signed_bytes(a.z) * scale,
    signed_bytes(a.w) * scale,
    signed_bytes(b.x) * scale,
    signed_bytes(b.y) * scale,
    signed_bytes(b.z) * scale,
    signed_bytes(b.w) * scale,
  );
}
