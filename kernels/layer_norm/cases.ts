import { batchUniform, type KernelCase, kernelCase, noise } from "../testing";
import { layerNorm, NO_BIAS } from "./layer_norm";
import { layerNormReference } from "./reference";

interface Shape {
  readonly width: number;
  readonly rows: number;
  readonly bias?: boolean;
  readonly amplitude?: number;
  /** Added to every element. */
  readonly offset?: number;
  readonly onOutputs?: boolean;
}

function at(
  name: string,
  { width, rows, bias = true, amplitude = 1, offset = 0, onOutputs = false }: Shape,
): KernelCase {
  const eps = 1e-5;
  const [gainAt, biasAt] = [4, 4 + width];
  const x = noise(rows * width, 1, amplitude).map((value) => value + offset);
  const vectors = noise(biasAt + width, 2);
  return kernelCase({
    name,
    kernel: layerNorm,
    params: { width, gain_at: gainAt, bias_at: bias ? biasAt : NO_BIAS, eps, on_outputs: onOutputs ? 1 : 0 },
    buffers: {
      batch: onOutputs
        ? batchUniform(
            rows + 5,
            Array.from({ length: rows }, (_, o) => o),
          )
        : batchUniform(rows),
      x,
      vectors,
      y: { words: x.length },
    },
    rows,
    expected: () => ({
      y: layerNormReference(
        x,
        vectors.subarray(gainAt, biasAt),
        bias ? vectors.subarray(biasAt, biasAt + width) : undefined,
        eps,
      ),
    }),
    tolerance: 2e-5,
  });
}

export const cases: readonly KernelCase[] = [
  at("one row, gpt2 width", { rows: 1, width: 768 }),
  at("no bias", { rows: 2, width: 64, bias: false }),
  at("narrower than the team", { rows: 3, width: 12 }),
  at("mean far above the deviation", { rows: 2, width: 256, offset: 30 }),
  at("tiny values, where eps matters", { rows: 2, width: 64, amplitude: 1e-3 }),
  at("prefill chunk, rows not a bucket", { rows: 19, width: 32 }),
  at("output rows only", { rows: 3, width: 48, onOutputs: true }),
];
