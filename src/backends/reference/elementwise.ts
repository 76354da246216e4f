// Operations that work element by element.

import type { UnaryKind } from "../../graph/graph";
import { type Matrix, map } from "./tensor";

export const add = (a: Matrix, b: Matrix): Matrix => map(a, (value, i) => value + b.data[i]!);
export const mul = (a: Matrix, b: Matrix): Matrix => map(a, (value, i) => value * b.data[i]!);
export const scale = (x: Matrix, factor: number): Matrix => map(x, (value) => value * factor);
/** `cap · tanh(x / cap)`. */
export const softcap = (x: Matrix, cap: number): Matrix => map(x, (value) => cap * Math.tanh(value / cap));
export const unary = (kind: UnaryKind, x: Matrix): Matrix => map(x, unaryFunctions[kind]);

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

/** GELU and its tanh form: Hendrycks & Gimpel 2016, arXiv:1606.08415. */
const unaryFunctions: Readonly<Record<UnaryKind, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x ** 3))),
  gelu_erf: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

/**
 * The error function to about 1e-15: by its series below 3, all of whose terms are positive, and by the continued
 * fraction of erfc above. Source: Abramowitz & Stegun, 7.1.6 and 7.1.14.
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  const gauss = Math.exp(-z * z) / Math.sqrt(Math.PI);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * 2 * gauss * sum;
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - gauss / fraction);
}
