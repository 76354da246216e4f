// One block of 36 bytes: a word of scales, then 32 bytes of nibbles.

fn repack(first: u32) {
  let start = 9u * first; // in words
  let block = params.first_block + first;
  w[params.section_1 + block] = source[start];
  for (var word = 0u; word < 8u; word++) {
    w[8u * block + word] = source[start + 1u + word];
  }
}
