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
  const { rows, width } = x;
  const y = zeros(rows, out);
  const w = new Float64Array(width);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < width; i++) w[i] = weight[o * width + i]!; // widened once for all rows
    const start = bias ? bias[o]! : 0;
    let row = 0;
    // Four rows at a time share the loads of w; the order of each row's own sum stays the same.
    for (; row + 4 <= rows; row += 4) {
      const [a, b, c, d] = fourDots(x.data, row * width, w);
      y.data[row * out + o] = start + a;
      y.data[(row + 1) * out + o] = start + b;
      y.data[(row + 2) * out + o] = start + c;
      y.data[(row + 3) * out + o] = start + d;
    }
    for (; row < rows; row++) y.data[row * out + o] = start + dot(x.data, row * width, w);
  }
  return y;
}

function dot(x: Float64Array, from: number, w: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < w.length; i++) sum += x[from + i]! * w[i]!;
  return sum;
}

function fourDots(x: Float64Array, from: number, w: Float64Array): readonly [number, number, number, number] {
  const n = w.length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < n; i++) {
    const value = w[i]!;
    a += x[from + i]! * value;
    b += x[from + n + i]! * value;
    c += x[from + 2 * n + i]! * value;
    d += x[from + 3 * n + i]! * value;
  }
  return [a, b, c, d];
}
