// One of three matrices, the same one for all of a workgroup.
fn weights_in(matrix: u32, r: u32, group: u32) -> Group {
  let block = block_in(matrix, r, group);
  let sections = sections_of(matrix);
  if (matrix == 0u) {
    return a_weights_32(block, sections);
  }
  if (matrix == 1u) {
    return b_weights_32(block, sections);
  }
  return c_weights_32(block, sections);
}
