// One group: scale and bias, f32 each, then the values as the loader reads them.

fn repack(first: u32) {
  let value_words = BLOCK_WORDS * BLOCKS_PER_GROUP;
  let start = (2u + value_words) * first;
  let group = params.first_block + first;
  for (var i = 0u; i < 2u; i++) {
    let bits = source[start + i];
    if ((bits & 0x7f800000u) == 0x7f800000u) {
      atomicAdd(&faults[0], 1u);
    }
    w[params.section_1 + 2u * group + i] = bits;
  }
  for (var word = 0u; word < value_words; word++) {
    w[value_words * group + word] = source[start + 2u + word];
  }
}
