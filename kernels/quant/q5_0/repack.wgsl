// Two blocks of 22 bytes, f16 scale, 32 high bits and 16 bytes of nibbles each: their scales share a word.

fn repack(first: u32) {
  var scales = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 22u * (first + i);
    let block = params.first_block + first + i;
    scales |= source_half(start) << (16u * i);
    w[params.section_1 + block] = bits_by_column(source_word(start + 2u));
    for (var word = 0u; word < 4u; word++) {
      w[4u * block + word] = source_word(start + 6u + 4u * word);
    }
  }
  w[params.section_2 + (params.first_block + first) / 2u] = scales;
}
