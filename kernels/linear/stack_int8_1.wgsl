// As stack_1.wgsl, for whole numbers.
const ONE_SCALE = a_ONE_SCALE;

fn integers_in(matrix: u32, r: u32, group: u32) -> Integers {
  return a_integers_32(block_in(0u, r, group), sections_of(0u));
}
