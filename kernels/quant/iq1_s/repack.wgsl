// Two blocks of 50 bytes: f16 scale, indices' lower bytes, 16 bits of the rest per group. Their f16 share a word.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 50u * (first + i);
    repack_block(start, params.first_block + first + i);
    d |= source_half(start) << (16u * i);
  }
  w[params.section_2 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var word = 0u; word < 8u; word++) {
    w[8u * block + word] = source_word(start + 2u + 4u * word);
  }
  for (var word = 0u; word < 4u; word++) {
    w[params.section_1 + 4u * block + word] = source_word(start + 34u + 4u * word);
  }
}
