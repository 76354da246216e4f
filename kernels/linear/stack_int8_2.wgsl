// As stack_2.wgsl, for whole numbers.
const ONE_SCALE = a_ONE_SCALE && b_ONE_SCALE;

fn integers_in(matrix: u32, r: u32, group: u32) -> Integers {
  let block = block_in(matrix, r, group);
  let sections = sections_of(matrix);
  if (matrix == 0u) {
    return a_integers_32(block, sections);
  }
  return b_integers_32(block, sections);
}
