// One of two matrices, the same one for all of a workgroup or nearly so. Rows are clamped: what lies past the last is
// computed again, and not stored.
fn weights_in(matrix: u32, r: u32, group: u32) -> Group {
  let own = params.matrix[matrix];
  let block = min(r, own.rows - 1u) * groups_of_row() + group;
  let sections = vec4u(0u, own.section_1, own.section_2, own.section_3);
  if (matrix == 0u) {
    return a_weights_32(block, sections);
  }
  return b_weights_32(block, sections);
}
