// Matrices that a subgroup holds and multiplies together: tensor cores, XMX, simdgroup matrices. Every call is in control
// flow that is uniform in the subgroup; the language can tell that of the workgroup only.
// Source: gpuweb/proposals/subgroup-matrix.md; Dawn, docs/dawn/features/subgroup_matrix.md.

enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);

alias Left = subgroup_matrix_left<Component, MATRIX_K, MATRIX_M>;   // [M rows of x, K columns]
alias Right = subgroup_matrix_right<Component, MATRIX_N, MATRIX_K>; // [K columns, N rows of the matrix]
alias Sum = subgroup_matrix_result<f32, MATRIX_N, MATRIX_M>;        // [M rows of x, N rows of the matrix]

// From the staged tile, whose rows are STRIDE vectors long. Offsets and strides count elements of the array.
fn left_at(at: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&tile, at, STRIDE);
}

fn right_at(at: u32) -> Right {
  return subgroupMatrixLoad<Right, col_major>(&tile, at, STRIDE);
}

fn multiply_add(left: Left, right: Right, sum: Sum) -> Sum {
  return subgroupMatrixMultiplyAccumulate(left, right, sum);
}

fn scaled(sum: Sum, factor: f32) -> Sum {
  return subgroupMatrixScalarMultiply(sum, factor);
}

fn put_sum(at: u32, sum: Sum) {
  subgroupMatrixStore<row_major>(&results, at, sum, RESULT_STRIDE);
}
