// Two blocks of 66 bytes, f16 scale and two words per group each: their scales share a word.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 66u * (first + i);
    repack_block(start, params.first_block + first + i);
    d |= source_half(start) << (16u * i);
  }
  w[params.section_1 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var word = 0u; word < 16u; word++) {
    w[16u * block + word] = source_word(start + 2u + 4u * word);
  }
}
