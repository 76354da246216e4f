// Two bits of each of 16 consecutive bytes, as the loaders want them: byte b of the word holds, from its low bits on,
// those of weights b, b + 4, b + 8 and b + 12. For formats that keep four groups of 32 weights in 32 bytes.
//
// @param shift Of the group: 0, 2, 4 or 6
fn pairs_of_16(byte: u32, shift: u32) -> u32 {
  var bits = 0u;
  for (var word = 0u; word < 4u; word++) {
    bits |= ((source_word(byte + 4u * word) >> shift) & 0x03030303u) << (2u * word);
  }
  return bits;
}
