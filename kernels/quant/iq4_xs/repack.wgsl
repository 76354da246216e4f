// One block of 136 bytes: 8 bytes of scales, then 8 times 16 bytes of nibbles.

fn repack(first: u32) {
  let start = 34u * first; // in words
  let block = params.first_block + first;
  _ = source_half(136u * first); // counted if not finite
  for (var word = 0u; word < 2u; word++) {
    w[params.section_1 + 2u * block + word] = source[start + word];
  }
  for (var word = 0u; word < 32u; word++) {
    w[32u * block + word] = source[start + 2u + word];
  }
}
