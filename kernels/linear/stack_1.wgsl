// The only matrix. Rows are clamped: what lies past the last is computed again, and not stored.
fn weights_in(matrix: u32, r: u32, group: u32) -> Group {
  let own = params.matrix[0];
  return a_weights_32(min(r, own.rows - 1u) * groups_of_row() + group, vec4u(0u, own.section_1, own.section_2, own.section_3));
}
