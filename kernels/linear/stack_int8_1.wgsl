// As stack_1.wgsl, for whole numbers.
fn integers_in(matrix: u32, r: u32, group: u32) -> Integers {
  let own = params.matrix[0];
  return a_integers_32(
    min(r, own.rows - 1u) * groups_of_row() + group, vec4u(0u, own.section_1, own.section_2, own.section_3),
  );
}
