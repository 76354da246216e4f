// Two blocks of 98 bytes: f16 scale, indices, signs with scales. Their f16 share a word.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 98u * (first + i);
    repack_block(start, params.first_block + first + i);
    d |= source_half(start) << (16u * i);
  }
  w[params.section_2 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var word = 0u; word < 16u; word++) {
    w[16u * block + word] = source_word(start + 2u + 4u * word);
  }
  for (var word = 0u; word < 8u; word++) {
    w[params.section_1 + 8u * block + word] = source_word(start + 66u + 4u * word);
  }
}
