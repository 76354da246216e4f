// Two blocks of 210 bytes: their f16 scales share a word. Nibbles and high bits go from the file's order, in which the
// four quarters of 128 weights share bytes, to that of groups of 32.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    repack_block(210u * (first + i), params.first_block + first + i);
    d |= source_half(210u * (first + i) + 208u) << (16u * i);
  }
  w[params.section_3 + (params.first_block + first) / 2u] = d;
}

fn repack_block(nibbles: u32, block: u32) {
  let pairs = nibbles + 128u;
  let scales = nibbles + 192u;
  for (var word = 0u; word < 4u; word++) {
    w[params.section_2 + 4u * block + word] = source_word(scales + 4u * word);
  }
  for (var group = 0u; group < 8u; group++) {
    let half = group / 4u;
    let quarter = group % 4u;
    let nibble_shift = 4u * (quarter / 2u);
    for (var word = 0u; word < 4u; word++) {
      let start = nibbles + 64u * half + 32u * (quarter % 2u) + 4u * word;
      let a = (source_word(start) >> nibble_shift) & 0x0f0f0f0fu;
      let b = (source_word(start + 16u) >> nibble_shift) & 0x0f0f0f0fu;
      w[4u * (8u * block + group) + word] = a | (b << 4u);
    }
    for (var part = 0u; part < 2u; part++) {
      var bits = 0u;
      for (var word = 0u; word < 4u; word++) {
        let four = source_word(pairs + 32u * half + 16u * part + 4u * word) >> (2u * quarter);
        bits |= (four & 0x03030303u) << (2u * word);
      }
      w[params.section_1 + 2u * (8u * block + group) + part] = bits;
    }
  }
}
