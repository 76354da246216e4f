// Rotary position embedding, and the tables of cosines and sines that it reads.

import batch from "../common/batch.wgsl?raw";
import angles from "../common/rope.wgsl?raw";
import slots from "../common/slots.wgsl?raw";
import { teamVariants } from "../common/team";
import { defineKernel } from "../kernel";
import norming from "./norm.wgsl?raw";
import plain from "./plain.wgsl?raw";
import wgsl from "./rope.wgsl?raw";

/** Values of the parameter `style`. */
export const ROPE_STYLE = { half: 0, adjacent: 1 } as const;

/** Positions that the fine table holds; the coarse table steps by as many. rope.wgsl says the same. */
export const FINE_POSITIONS = 256;

const params = {
  heads: "u32",
  head_dim: "u32",
  dims: "u32",
  style: "u32",
  gain_at: "u32",
  eps: "f32",
  tables_at: "u32",
  coarse_at: "u32",
} as const;

/** `y = rope(x)` per head, or `rope(rms_norm(x))` with `norm`. x and y are different buffers, `[rows, heads · headDim]`. */
export function rope({ norm = false }: { readonly norm?: boolean } = {}) {
  return defineKernel({
    name: norm ? "rope_norm" : "rope",
    bindings: {
      params: "uniform",
      batch: "uniform",
      slots: "read",
      x: "read",
      vectors: "read",
      tables: "read",
      y: "read_write",
    },
    params,
    variants: teamVariants<typeof params>(
      [{ wgsl }, { wgsl: norm ? norming : plain }, { wgsl: angles }, { wgsl: batch }, { wgsl: slots }],
      ({ heads }, rows) => rows * heads,
    ),
  });
}

/**
 * Cosines and sines of every position's angles in two parts, computed in f64 and rounded once: position mod 256, then
 * position div 256. With the result at element `t` of the buffer `tables`, the parameters are `tables_at: t` and
 * `coarse_at: t + coarseOffset(dims)`.
 *
 * @param frequencies `[dims / 2]` radians per position (a file's frequency factors already divided in).
 * @param context Positions `0 ... context - 1` are covered.
 * @returns `[256 + ceil(context / 256), dims / 2, 2]` (cos, sin).
 */
export function ropeTables(frequencies: readonly number[], context: number): Float32Array {
  const dims = 2 * frequencies.length;
  const coarse = Math.max(1, Math.ceil(context / FINE_POSITIONS));
  const tables = new Float32Array((FINE_POSITIONS + coarse) * dims);
  for (let row = 0; row < FINE_POSITIONS + coarse; row++) {
    const position = row < FINE_POSITIONS ? row : (row - FINE_POSITIONS) * FINE_POSITIONS;
    frequencies.forEach((frequency, pair) => {
      tables[row * dims + 2 * pair] = Math.cos(position * frequency);
      tables[row * dims + 2 * pair + 1] = Math.sin(position * frequency);
    });
  }
  return tables;
}

/** Elements from the fine table to the coarse one. */
export function coarseOffset(dims: number): number {
  return FINE_POSITIONS * dims;
}
