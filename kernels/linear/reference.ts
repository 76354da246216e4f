import type { LinearOptions } from "./linear";

export interface LinearInput {
  /** `[rows of x, cols]` */
  readonly x: Float32Array;
  /** `[rows, cols]` */
  readonly weights: Float32Array;
  readonly cols: number;
  /** `[cols]`, with `norm` */
  readonly gain: Float32Array;
  readonly eps: number;
  /** `[rows]`, with `bias` */
  readonly bias: Float32Array;
}

/**
 * `x · Wᵀ` in f64, after RMSNorm of x and plus a bias if asked: the definition of correct for linear. What it is added
 * to, and where in y it goes, is the caller's.
 *
 * @returns `[rows of x, rows]`
 */
export function linearReference(input: LinearInput, { norm = false, bias = false }: LinearOptions = {}): Float64Array {
  const { weights, cols, gain, eps } = input;
  const rows = weights.length / cols;
  const xRows = input.x.length / cols;
  const y = new Float64Array(xRows * rows);
  for (let m = 0; m < xRows; m++) {
    const x = Float64Array.from(input.x.subarray(m * cols, (m + 1) * cols));
    if (norm) {
      const squares = x.reduce((sum, value) => sum + value * value, 0);
      const scale = 1 / Math.sqrt(squares / cols + eps);
      x.forEach((value, k) => {
        x[k] = value * scale * gain[k]!;
      });
    }
    for (let r = 0; r < rows; r++) {
      let sum = bias ? input.bias[r]! : 0;
      for (let k = 0; k < cols; k++) sum += weights[r * cols + k]! * x[k]!;
      y[m * rows + r] = sum;
    }
  }
  return y;
}
