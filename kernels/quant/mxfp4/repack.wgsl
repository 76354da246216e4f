// Four blocks of 17 bytes, exponent and 16 bytes of nibbles each: their exponents share a word.

fn repack(first: u32) {
  var exponents = 0u;
  for (var i = 0u; i < 4u && first + i < params.blocks; i++) {
    let start = 17u * (first + i);
    let exponent = source_word(start) & 255u;
    if (exponent == 255u) { // not a number
      atomicAdd(&faults[0], 1u);
    }
    exponents |= exponent << (8u * i);
    for (var word = 0u; word < 4u; word++) {
      w[4u * (params.first_block + first + i) + word] = source_word(start + 1u + 4u * word);
    }
  }
  w[params.section_1 + (params.first_block + first) / 4u] = exponents;
}
