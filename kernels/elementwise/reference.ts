import type { UnaryKind } from "../../src/graph/graph";

/** The activations in f64. */
export const activationReference: Readonly<Record<UnaryKind, (x: number) => number>> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
  gelu_tanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  gelu_erf: (x) => (x / 2) * erfc(-x / Math.SQRT2),
};

/** `cap · tanh(x / cap)` in f64. */
export function softcapReference(x: number, cap: number): number {
  return cap * Math.tanh(x / cap);
}

/**
 * 1 − erf(x) in f64: below 2 by the Taylor series of erf, beyond by the continued fraction of erfc, both run until
 * they stand still. Source: Abramowitz & Stegun, 7.1.6 and 7.1.14.
 */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = x;
  for (let n = 120; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
