// The only matrix.
fn weights_in(matrix: u32, r: u32, group: u32) -> Group {
  return a_weights_32(block_in(0u, r, group), sections_of(0u));
}
