// As stack_3.wgsl, for whole numbers.
fn integers_in(matrix: u32, r: u32, group: u32) -> Integers {
  let own = params.matrix[matrix];
  let block = min(r, own.rows - 1u) * groups_of_row() + group;
  let sections = vec4u(0u, own.section_1, own.section_2, own.section_3);
  if (matrix == 0u) {
    return a_integers_32(block, sections);
  }
  if (matrix == 1u) {
    return b_integers_32(block, sections);
  }
  return c_integers_32(block, sections);
}
