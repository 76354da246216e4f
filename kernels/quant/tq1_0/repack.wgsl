// Two blocks of 54 bytes, 32, 16 and 4 bytes of ternary digits and a scale: their scales share a word.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 54u * (first + i);
    repack_block(start, params.first_block + first + i);
    d |= source_half(start + 52u) << (16u * i);
  }
  w[params.section_3 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var word = 0u; word < 8u; word++) {
    w[8u * block + word] = source_word(start + 4u * word);
  }
  for (var word = 0u; word < 4u; word++) {
    w[params.section_1 + 4u * block + word] = source_word(start + 32u + 4u * word);
  }
  w[params.section_2 + block] = source_word(start + 48u);
}
