// Rotary position embedding with angles, sines and cosines in f64.

import type { RopeSpec } from "../../graph/graph";
import { type Matrix, zeros } from "./tensor";

/**
 * Turns pair i of each head by `position · frequencies[i] / factors[i]`: elements (2i, 2i + 1) when `adjacent`,
 * (i, i + dims / 2) when `half`. Elements from `dims` on pass through.
 *
 * @param x `[rows, heads · headDim]`
 */
export function rope(
  x: Matrix,
  headDim: number,
  spec: RopeSpec,
  factors: Float32Array | undefined,
  positions: readonly number[],
): Matrix {
  const y = zeros(x.rows, x.width);
  y.data.set(x.data);
  const pairs = spec.dims / 2;
  for (let row = 0; row < x.rows; row++) {
    for (let i = 0; i < pairs; i++) {
      const angle = (positions[row]! * spec.frequencies[i]!) / (factors?.[i] ?? 1);
      const cos = Math.cos(angle);
      const sin = Math.sin(angle);
      const [first, second] = spec.style === "adjacent" ? [2 * i, 2 * i + 1] : [i, i + pairs];
      for (let head = row * x.width; head < (row + 1) * x.width; head += headDim) {
        const a = x.data[head + first]!;
        const b = x.data[head + second]!;
        y.data[head + first] = a * cos - b * sin;
        y.data[head + second] = a * sin + b * cos;
      }
    }
  }
  return y;
}
