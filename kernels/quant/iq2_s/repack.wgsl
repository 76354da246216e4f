// Two blocks of 82 bytes: f16 scale, lower bytes of indices, signs, upper bits of indices, scales. Their f16 share a word.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 82u * (first + i);
    repack_block(start, params.first_block + first + i);
    d |= source_half(start) << (16u * i);
  }
  w[params.section_2 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var group = 0u; group < 8u; group++) {
    w[2u * (8u * block + group)] = source_word(start + 2u + 4u * group);
    w[2u * (8u * block + group) + 1u] = source_word(start + 34u + 4u * group);
  }
  for (var word = 0u; word < 4u; word++) { // two groups
    let upper = source_word(start + 66u + 2u * word);
    let scales = source_word(start + 74u + 2u * word);
    let first = (upper & 255u) | ((scales & 255u) << 8u);
    let second = ((upper >> 8u) & 255u) | (scales & 0xff00u);
    w[params.section_1 + 4u * block + word] = first | (second << 16u);
  }
}
