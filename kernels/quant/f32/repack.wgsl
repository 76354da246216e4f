// One weight: rows move apart to leave room for their padding.

fn repack(first: u32) {
  let weight = params.first_block + first;
  let row = weight / params.row_blocks;
  let col = weight - row * params.row_blocks;
  let bits = source[first];
  if ((bits & 0x7f800000u) == 0x7f800000u) {
    atomicAdd(&faults[0], 1u);
  }
  let row_words = 32u * ((params.row_blocks + 31u) / 32u);
  w[row * row_words + col] = bits;
}
