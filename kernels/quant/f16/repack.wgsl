// Two weights, one word: rows move apart to leave room for their padding. Rows have an even number of weights.

fn repack(first: u32) {
  let weight = params.first_block + first;
  let row = weight / params.row_blocks;
  let col = weight - row * params.row_blocks;
  let bits = source[first / 2u];
  let low_fault = (bits & 0x7c00u) == 0x7c00u;
  let high_fault = (bits & 0x7c000000u) == 0x7c000000u;
  if (low_fault || high_fault) {
    atomicAdd(&faults[0], u32(low_fault) + u32(high_fault));
  }
  let row_words = 16u * ((params.row_blocks + 31u) / 32u);
  w[row * row_words + col / 2u] = bits;
}
