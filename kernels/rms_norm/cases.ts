import { batchUniform, type KernelCase, kernelCase, noise } from "../testing";
import { rmsNormReference } from "./reference";
import { rmsNorm } from "./rms_norm";

interface Shape {
  readonly width: number;
  readonly groups?: number;
  readonly rows: number;
  readonly amplitude?: number;
  readonly eps?: number;
  /** Rows are outputs: of a batch that has more token rows than that. */
  readonly onOutputs?: boolean;
  readonly accumulate?: boolean;
}

function at(name: string, shape: Shape): KernelCase {
  const { width, groups = 1, rows, amplitude = 1, eps = 1e-6, onOutputs = false, accumulate = false } = shape;
  const gainAt = 8;
  const x = noise(rows * groups * width, 1, amplitude);
  const vectors = noise(gainAt + width + 4, 2);
  const gain = vectors.subarray(gainAt, gainAt + width);
  const before = noise(x.length, 3);
  return kernelCase({
    name,
    kernel: rmsNorm({ accumulate }),
    params: { width, groups, gain_at: gainAt, eps, on_outputs: onOutputs ? 1 : 0 },
    buffers: {
      batch: onOutputs
        ? batchUniform(
            rows + 5,
            Array.from({ length: rows }, (_, o) => o),
          )
        : batchUniform(rows),
      x,
      vectors,
      y: accumulate ? before : { words: x.length },
    },
    rows,
    expected: () => {
      const y = rmsNormReference(x, gain, eps);
      return { y: accumulate ? y.map((value, i) => value + before[i]!) : y };
    },
    tolerance: 2e-6,
  });
}

export const cases: readonly KernelCase[] = [
  at("one row, qwen3-0.6b width", { rows: 1, width: 1024 }),
  at("narrower than the team", { rows: 3, width: 20 }),
  at("not a multiple of the team", { rows: 2, width: 4 * 65 }),
  at("tiny values, where eps matters", { rows: 2, width: 64, amplitude: 1e-3 }),
  at("large values", { rows: 2, width: 64, amplitude: 1e4 }),
  at("head by head, gain shared by the heads", { rows: 3, width: 64, groups: 5 }),
  at("prefill chunk, rows not a bucket", { rows: 37, width: 32 }),
  at("output rows only", { rows: 3, width: 48, onOutputs: true }),
  at("added to the residual stream", { rows: 2, width: 128, accumulate: true }),
  at("more than 65,535 workgroups", { rows: 33, width: 4, groups: 2048 }),
];
