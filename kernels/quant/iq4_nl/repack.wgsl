// Two blocks of 18 bytes, f16 scale and 16 bytes of nibbles each: their scales share a word.

fn repack(first: u32) {
  var scales = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 18u * (first + i);
    let to = 4u * (params.first_block + first + i);
    scales |= source_half(start) << (16u * i);
    for (var word = 0u; word < 4u; word++) {
      w[to + word] = source_word(start + 2u + 4u * word);
    }
  }
  w[params.section_1 + (params.first_block + first) / 2u] = scales;
}
