// One block of 20 bytes: a word of scale and minimum, then 16 bytes of nibbles.

fn repack(first: u32) {
  let start = 20u * first;
  let block = params.first_block + first;
  w[params.section_1 + block] = source_half(start) | (source_half(start + 2u) << 16u);
  for (var word = 0u; word < 4u; word++) {
    w[4u * block + word] = source_word(start + 4u + 4u * word);
  }
}
