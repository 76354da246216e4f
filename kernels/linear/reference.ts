import { activationReference } from "../elementwise/reference";
import type { LinearOptions } from "./linear";

export interface LinearInput {
  /** `[rows of x, cols]` */
  readonly x: Float32Array;
  /** `[rows, cols]` each, one after the other in y. */
  readonly matrices: readonly Float32Array[];
  readonly cols: number;
  /** `[cols]`, with `norm` */
  readonly gain: Float32Array;
  readonly eps: number;
  /** `[rows of all matrices]`, with `bias` */
  readonly bias: Float32Array;
  /** With `sandwich`: `[rows of x, cols]`, and `[cols]`. */
  readonly add: Float32Array;
  readonly addGain: Float32Array;
  readonly addEps: number;
}

/**
 * `x · Wᵀ` in f64, with the options' norms before it and bias and gate after it: the definition of correct for linear.
 * What it is added to, which rows it is gathered from and where in y it goes, is the caller's.
 *
 * @returns `y`: `[rows of x, rows]`, or half of the rows when gated. `multiplied`: `[rows of x, cols]`, x after the sandwich
 *   norm. With `int8` the rounding of x is part of it.
 */
export function linearReference(
  input: LinearInput,
  { norm = false, bias = false, gated, sandwich, int8 = false }: LinearOptions = {},
): { y: Float64Array; multiplied: Float64Array } {
  const { matrices, cols, gain, eps, addGain, addEps } = input;
  const weights = matrices.flatMap((matrix) =>
    Array.from({ length: matrix.length / cols }, (_, r) => matrix.subarray(r * cols, (r + 1) * cols)),
  );
  const y: number[] = [];
  const multiplied: number[] = [];
  for (let from = 0; from < input.x.length; from += cols) {
    let x: Float64Array = Float64Array.from(input.x.subarray(from, from + cols));
    if (sandwich) {
      const added = rmsNorm(Float64Array.from(input.add.subarray(from, from + cols)), addGain, addEps);
      x = x.map((value, k) => value + added[k]!);
    }
    multiplied.push(...x);
    const scale = norm ? rmsScale(x, eps) : 1;
    if (norm) x = x.map((value, k) => value * gain[k]!);
    if (int8) x = roundedToInt8(x);
    const sums = weights.map((row, r) => {
      let sum = 0;
      for (let k = 0; k < cols; k++) sum += row[k]! * x[k]!;
      return scale * sum + (bias ? input.bias[r]! : 0);
    });
    if (!gated) y.push(...sums);
    else {
      const half = sums.length / 2;
      for (let r = 0; r < half; r++) y.push(activationReference[gated](sums[r]!) * sums[half + r]!);
    }
  }
  return { y: Float64Array.from(y), multiplied: Float64Array.from(multiplied) };
}

function rmsNorm(x: Float64Array, gain: Float32Array, eps: number): Float64Array {
  const scale = rmsScale(x, eps);
  return x.map((value, k) => value * scale * gain[k]!);
}

function rmsScale(x: Float64Array, eps: number): number {
  const squares = x.reduce((sum, value) => sum + value * value, 0);
  return 1 / Math.sqrt(squares / x.length + eps);
}

/** Rounded to multiples of a unit per 32 values: 127 of them are the largest magnitude. */
export function roundedToInt8(x: Float64Array): Float64Array {
  return x.map((value, k) => {
    const first = k - (k % 32);
    const unit = Math.max(...x.subarray(first, first + 32).map(Math.abs)) / 127;
    return unit === 0 ? 0 : Math.round(value / unit) * unit;
  });
}
