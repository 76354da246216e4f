// One block of 84 bytes: 16 bytes of scales and mins, twice 32 bytes with the bit pairs of four groups, d and dmin.

fn repack(first: u32) {
  let start = 84u * first;
  let block = params.first_block + first;
  w[params.section_2 + block] = source_half(start + 80u) | (source_half(start + 82u) << 16u);
  for (var word = 0u; word < 4u; word++) {
    w[params.section_1 + 4u * block + word] = source_word(start + 4u * word);
  }
  for (var part = 0u; part < 16u; part++) {
    let at = start + 16u + 32u * (part / 8u) + 16u * (part % 2u);
    w[16u * block + part] = pairs_of_16(at, 2u * ((part / 2u) % 4u));
  }
}
