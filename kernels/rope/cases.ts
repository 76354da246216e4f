import { rmsNormReference } from "../rms_norm/reference";
import { batchUniform, type KernelCase, kernelCase, noise, slotsBuffer } from "../testing";
import { ropeReference } from "./reference";
import { coarseOffset, ROPE_STYLE, rope, ropeTables } from "./rope";

interface Shape {
  readonly heads: number;
  readonly headDim: number;
  /** All of the head when absent. */
  readonly dims?: number;
  readonly style?: "half" | "adjacent";
  readonly norm?: boolean;
  readonly positions: readonly number[];
  /** Rows take their positions from slots. */
  readonly fromSlots?: boolean;
  readonly theta?: number;
}

function at(name: string, shape: Shape): KernelCase {
  const { heads, headDim, dims = headDim, style = "half", norm = false, positions, fromSlots = false } = shape;
  const { theta = 10_000 } = shape;
  const rows = positions.length;
  const frequencies = Array.from({ length: dims / 2 }, (_, pair) => theta ** ((-2 * pair) / dims));
  const [gainAt, tablesAt, eps] = [12, 6, 1e-6];
  const x = noise(rows * heads * headDim, 1);
  const vectors = noise(gainAt + headDim, 2);
  const made = ropeTables(frequencies, Math.max(...positions) + 1);
  const tables = new Float32Array(tablesAt + made.length);
  tables.set(made, tablesAt);
  return kernelCase({
    name,
    kernel: rope({ norm }),
    params: {
      heads,
      head_dim: headDim,
      dims,
      style: ROPE_STYLE[style],
      gain_at: gainAt,
      eps,
      tables_at: tablesAt,
      coarse_at: tablesAt + coarseOffset(dims),
    },
    buffers: {
      batch: batchUniform(
        positions.map((position, row) => (fromSlots ? { slot: rows - 1 - row } : { token: 1, position })),
      ),
      slots: slotsBuffer(positions.map((position) => ({ position })).reverse()),
      x,
      vectors,
      tables,
      y: { words: x.length },
    },
    rows,
    expected: () => {
      const input = norm ? rmsNormReference(x, vectors.subarray(gainAt, gainAt + headDim), eps) : x;
      return { y: ropeReference(input, positions, { headDim, frequencies, style }) };
    },
    tolerance: 2e-6,
  });
}

export const cases: readonly KernelCase[] = [
  at("position 0 turns nothing", { heads: 2, headDim: 8, positions: [0] }),
  at("half pairs", { heads: 3, headDim: 64, positions: [0, 1, 7] }),
  at("adjacent pairs", { heads: 3, headDim: 64, style: "adjacent", positions: [0, 1, 7] }),
  at("positions around the fine table's end", { heads: 2, headDim: 16, positions: [255, 256, 257, 511, 512] }),
  at("far positions", { heads: 2, headDim: 16, positions: [4095, 32_767, 131_071], style: "adjacent" }),
  at("part of the head is turned", { heads: 2, headDim: 32, dims: 8, positions: [3, 300] }),
  at("part of the head is turned, adjacent", {
    heads: 2,
    headDim: 32,
    dims: 24,
    style: "adjacent",
    positions: [3, 300],
  }),
  at("norm before, qwen3", { heads: 4, headDim: 128, norm: true, positions: [5, 700], theta: 1e6 }),
  at("norm before, part turned", { heads: 2, headDim: 20, dims: 12, norm: true, positions: [9] }),
  at("positions from the slots, in another order", { heads: 2, headDim: 8, positions: [1000, 3, 77], fromSlots: true }),
  at("prefill chunk, rows not a bucket", {
    heads: 3,
    headDim: 8,
    positions: Array.from({ length: 19 }, (_, i) => 250 + i),
  }),
];
