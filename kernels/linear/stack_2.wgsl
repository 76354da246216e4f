// One of two matrices, the same one for all of a workgroup or nearly so.
fn weights_in(matrix: u32, r: u32, group: u32) -> Group {
  let block = block_in(matrix, r, group);
  let sections = sections_of(matrix);
  if (matrix == 0u) {
    return a_weights_32(block, sections);
  }
  return b_weights_32(block, sections);
}
