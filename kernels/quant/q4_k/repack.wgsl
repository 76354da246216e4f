// One block of 144 bytes: 16 bytes of scales, then four times 32 bytes with the nibbles of two groups, low and high.

fn repack(first: u32) {
  let start = 36u * first; // in words
  let block = params.first_block + first;
  _ = source_half(144u * first); // counted if not finite
  _ = source_half(144u * first + 2u);
  for (var word = 0u; word < 4u; word++) {
    w[params.section_1 + 4u * block + word] = source[start + word];
  }
  for (var pair = 0u; pair < 4u; pair++) {
    let to = 4u * (8u * block + 2u * pair);
    for (var word = 0u; word < 4u; word++) {
      let a = source[start + 4u + 8u * pair + word];      // weights 4 word ... of both groups
      let b = source[start + 4u + 8u * pair + word + 4u]; // and the weights 16 further
      w[to + word] = (a & 0x0f0f0f0fu) | ((b & 0x0f0f0f0fu) << 4u);
      w[to + 4u + word] = ((a >> 4u) & 0x0f0f0f0fu) | (b & 0xf0f0f0f0u);
    }
  }
}
