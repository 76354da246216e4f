// One block of 24 bytes: scale and minimum, 32 high bits, 16 bytes of nibbles.

fn repack(first: u32) {
  let start = 24u * first;
  let block = params.first_block + first;
  w[params.section_1 + block] = bits_by_column(source_word(start + 4u));
  w[params.section_2 + block] = source_half(start) | (source_half(start + 2u) << 16u);
  for (var word = 0u; word < 4u; word++) {
    w[4u * block + word] = source_word(start + 8u + 4u * word);
  }
}
