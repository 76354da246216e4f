// Two blocks of 110 bytes: their f16 scales share a word. High bits and bit pairs go from the file's order, in which
// groups share bytes, to that of groups of 32.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    repack_block(110u * (first + i), params.first_block + first + i);
    d |= source_half(110u * (first + i) + 108u) << (16u * i);
  }
  w[params.section_3 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var word = 0u; word < 3u; word++) {
    w[params.section_2 + 3u * block + word] = source_word(start + 96u + 4u * word);
  }
  for (var group = 0u; group < 8u; group++) {
    var bits = 0u;
    for (var word = 0u; word < 8u; word++) {
      bits |= ((source_word(start + 4u * word) >> group) & 0x01010101u) << word;
    }
    w[params.section_1 + 8u * block + group] = bits;
    for (var part = 0u; part < 2u; part++) {
      let at = start + 32u + 32u * (group / 4u) + 16u * part;
      w[2u * (8u * block + group) + part] = pairs_of_16(at, 2u * (group % 4u));
    }
  }
}
