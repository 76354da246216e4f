// Embedding rows and matrix products, summed in f64.

import { type Matrix, zeros } from "./tensor";

/** Rows of `table` `[vocab, dim]` for `tokens`, times `scale` → `[tokens, dim]`. */
export function embed(table: Float32Array, dim: number, tokens: readonly number[], scale: number): Matrix {
  const y = zeros(tokens.length, dim);
  tokens.forEach((token, row) => {
    for (let i = 0; i < dim; i++) y.data[row * dim + i] = table[token * dim + i]! * scale;
  });
  return y;
}

/** `x · weightᵀ + bias`: `[rows, in]` with `[out, in]` → `[rows, out]`. Each sum runs from column 0 on. */
export function linear(x: Matrix, weight: Float32Array, out: number, bias?: Float32Array): Matrix {
  const { rows, width, data } = x;
  const y = zeros(rows, out);
  for (let o = 0; o < out; o++) {
    const start = bias ? bias[o]! : 0;
    const from = o * width;
    let row = 0;
    // Four rows at a time share the loads of the weights; the order of each row's own sum stays the same.
    for (; row + 4 <= rows; row += 4) {
      const at = row * width;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < width; i++) {
        const w = weight[from + i]!;
        a += data[at + i]! * w;
        b += data[at + width + i]! * w;
        c += data[at + 2 * width + i]! * w;
        d += data[at + 3 * width + i]! * w;
      }
      y.data[row * out + o] = start + a;
      y.data[(row + 1) * out + o] = start + b;
      y.data[(row + 2) * out + o] = start + c;
      y.data[(row + 3) * out + o] = start + d;
    }
    for (; row < rows; row++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += data[row * width + i]! * weight[from + i]!;
      y.data[row * out + o] = start + sum;
    }
  }
  return y;
}
