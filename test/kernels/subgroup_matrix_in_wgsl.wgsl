// The names of kernels/linear/subgroup_matrix.wgsl for devices without subgroup matrices. The elements of a
// sum are dealt out to the invocations, LANES at least; what is multiplied stays in the tile. Loops end where the compiler
// cannot know, so that it does not unroll them, which would take minutes.

enable subgroups;
diagnostic(off, subgroup_uniformity);

alias Left = u32; // where it lies in the tile
alias Right = u32;

const HELD = MATRIX_M * MATRIX_N / LANES;

struct Sum {
  values: array<f32, HELD>,
}

fn no_more_than(count: u32) -> u32 {
  return min(count, 64u * params.cols);
}

fn held() -> u32 {
  return no_more_than(MATRIX_M * MATRIX_N) / subgroupAdd(1u);
}

fn element_of(i: u32) -> u32 {
  return subgroupAdd(1u) * i + subgroupExclusiveAdd(1u);
}

fn left_at(at: u32) -> Left {
  return at;
}

fn right_at(at: u32) -> Right {
  return at;
}

fn multiply_add(left: Left, right: Right, sum: Sum) -> Sum {
  var result = sum;
  for (var i = 0u; i < held(); i++) {
    let element = element_of(i);
    let row = left + STRIDE * (element / MATRIX_N);
    let column = right + STRIDE * (element % MATRIX_N);
    for (var k = 0u; k < no_more_than(MATRIX_K); k++) {
      let product = vec2f(f32(tile[row + k / 4u][k % 4u]), f32(tile[column + k / 4u][k % 4u]));
      result.values[i] = fma(product.x, product.y, result.values[i]);
    }
  }
  return result;
}

fn scaled(sum: Sum, factor: f32) -> Sum {
  var result = sum;
  for (var i = 0u; i < held(); i++) {
    result.values[i] *= factor;
  }
  return result;
}

fn put_sum(at: u32, sum: Sum) {
  for (var i = 0u; i < held(); i++) {
    let element = element_of(i);
    results[at + RESULT_STRIDE * (element / MATRIX_N) + element % MATRIX_N] = sum.values[i];
  }
}
