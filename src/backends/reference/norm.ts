// Normalizations.

import { type Matrix, zeros } from "./tensor";

/**
 * `y = x / sqrt(mean(x²) + eps) · gain` over each run of `gain.length` elements: whole rows, or heads of rows.
 * Source: Zhang & Sennrich 2019, arXiv:1910.07467, section 4.
 */
export function rmsNorm(x: Matrix, gain: Float32Array, eps: number): Matrix {
  const n = gain.length;
  const y = zeros(x.rows, x.width);
  for (let from = 0; from < x.data.length; from += n) {
    let squares = 0;
    for (let i = 0; i < n; i++) squares += x.data[from + i]! ** 2;
    const scale = 1 / Math.sqrt(squares / n + eps);
    for (let i = 0; i < n; i++) y.data[from + i] = x.data[from + i]! * scale * gain[i]!;
  }
  return y;
}

/** `y = (x - mean) / sqrt(variance + eps) · gain + bias`. Source: Ba et al. 2016, arXiv:1607.06450. */
export function layerNorm(x: Matrix, gain: Float32Array, bias: Float32Array | undefined, eps: number): Matrix {
  const n = x.width;
  const y = zeros(x.rows, n);
  for (let from = 0; from < x.data.length; from += n) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x.data[from + i]!;
    const mean = sum / n;
    let squares = 0;
    for (let i = 0; i < n; i++) squares += (x.data[from + i]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / n + eps);
    for (let i = 0; i < n; i++) y.data[from + i] = (x.data[from + i]! - mean) * scale * gain[i]! + (bias?.[i] ?? 0);
  }
  return y;
}
