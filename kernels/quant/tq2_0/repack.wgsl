// Two blocks of 66 bytes, twice 32 bytes with the bit pairs of four groups, and a scale: their scales share a word.

fn repack(first: u32) {
  var d = 0u;
  for (var i = 0u; i < 2u && first + i < params.blocks; i++) {
    let start = 66u * (first + i);
    repack_block(start, params.first_block + first + i);
    d |= source_half(start + 64u) << (16u * i);
  }
  w[params.section_1 + (params.first_block + first) / 2u] = d;
}

fn repack_block(start: u32, block: u32) {
  for (var part = 0u; part < 16u; part++) {
    let at = start + 32u * (part / 8u) + 16u * (part % 2u);
    w[16u * block + part] = pairs_of_16(at, 2u * ((part / 2u) % 4u));
  }
}
