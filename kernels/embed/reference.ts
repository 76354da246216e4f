/**
 * Rows of a matrix by token, scaled, in f64.
 *
 * @param weights `[rows, cols]`, the part of the matrix from token `rowBegin` on.
 * @param tokens  One per row of the result; NaN is written for those outside the part.
 * @returns `[tokens, cols]`
 */
export function embedReference(
  weights: Float32Array,
  cols: number,
  tokens: readonly number[],
  rowBegin = 0,
  scale = 1,
): Float64Array {
  const rows = weights.length / cols;
  const y = new Float64Array(tokens.length * cols).fill(Number.NaN);
  tokens.forEach((token, m) => {
    const row = token - rowBegin;
    if (row < 0 || row >= rows) return;
    for (let k = 0; k < cols; k++) y[m * cols + k] = weights[row * cols + k]! * scale;
  });
  return y;
}
