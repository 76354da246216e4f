// Weight format q4_0: weight = (nibble - 8) * scale, blocks of 32.
//   section 0: nibbles, a vec4u per block; byte i holds weight i (low) and weight i + 16 (high)
//   section 1: f16 scales, two to a word

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8> {
  let at = sections.y + block / 2u;
  let scale = f32_of_half((w[at / 4u][at % 4u] >> (16u * (block % 2u))) & 0xffffu);
  let low = w[block] & vec4u(0x0f0f0f0fu);
  let high = (w[block] >> vec4u(4u)) & vec4u(0x0f0f0f0fu);
  return array<vec4f, 8>(
    (unsigned_bytes(low.x) - 8.0) * scale,
    (unsigned_bytes(low.y) - 8.0) * scale,
    (unsigned_bytes(low.z) - 8.0) * scale,
    (unsigned_bytes(low.w) - 8.0) * scale,
    (unsigned_bytes(high.x) - 8.0) * scale,
    (unsigned_bytes(high.y) - 8.0) * scale,
    (unsigned_bytes(high.z) - 8.0) * scale,
    (unsigned_bytes(high.w) - 8.0) * scale,
  );
}
