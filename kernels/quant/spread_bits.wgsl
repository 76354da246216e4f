// Four bits, one to the low bit of each byte.
fn spread_bits(four: u32) -> u32 {
  return ((four & 15u) * 0x00204081u) & 0x01010101u;
}

// The 32 bits of a group as the loaders want them: bit k of byte b is that of weight 4 k + b.
fn bits_by_column(bits: u32) -> u32 {
  var columns = 0u;
  for (var k = 0u; k < 8u; k++) {
    columns |= spread_bits(bits >> (4u * k)) << k;
  }
  return columns;
}
