// One block of 176 bytes: 16 bytes of scales, 32 bytes with a high bit of each of the 8 groups, then four times 32 bytes
// with the nibbles of two groups, low and high.

fn repack(first: u32) {
  let start = 44u * first; // in words
  let block = params.first_block + first;
  _ = source_half(176u * first); // counted if not finite
  _ = source_half(176u * first + 2u);
  for (var word = 0u; word < 4u; word++) {
    w[params.section_2 + 4u * block + word] = source[start + word];
  }
  for (var group = 0u; group < 8u; group++) {
    var bits = 0u;
    for (var word = 0u; word < 8u; word++) {
      bits |= ((source[start + 4u + word] >> group) & 0x01010101u) << word;
    }
    w[params.section_1 + 8u * block + group] = bits;
    let shift = 4u * (group % 2u);
    for (var word = 0u; word < 4u; word++) {
      let at = start + 12u + 8u * (group / 2u) + word;
      let a = (source[at] >> shift) & 0x0f0f0f0fu;      // weights 4 word ...
      let b = (source[at + 4u] >> shift) & 0x0f0f0f0fu; // and the weights 16 further
      w[4u * (8u * block + group) + word] = a | (b << 4u);
    }
  }
}
