/** Rows of x `[rows, width]` in the order asked for: `[outputRows.length, width]`. */
export function outputRowsReference(x: ArrayLike<number>, width: number, outputRows: readonly number[]): Float64Array {
  const y = new Float64Array(outputRows.length * width);
  outputRows.forEach((row, output) => {
    for (let i = 0; i < width; i++) y[output * width + i] = x[row * width + i]!;
  });
  return y;
}
