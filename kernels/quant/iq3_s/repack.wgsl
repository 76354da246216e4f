// Two blocks of 110 bytes: f16 scale, indices' lower bytes, their upper bits, signs, scales. Their f16 share a word.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 110u * (first + i);
    repack_block(start, params.first_block + first + i);
    d |= source_half(start) << (16u * i);
  }
  w[params.section_2 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var word = 0u; word < 16u; word++) {
    w[16u * block + word] = source_word(start + 2u + 4u * word);
  }
  let rest = params.section_1 + 11u * block;
  for (var word = 0u; word < 8u; word++) {
    w[rest + word] = source_word(start + 74u + 4u * word);
  }
  w[rest + 8u] = source_word(start + 66u);
  w[rest + 9u] = source_word(start + 70u);
  w[rest + 10u] = source_word(start + 106u);
}
