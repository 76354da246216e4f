import type { UnaryKind } from "../../src/graph/graph";
import type { Kernel } from "../kernel";
import { batchUniform, type KernelCase, kernelCase, noise } from "../testing";
import { add, gated, mul, scale, softcap, unary } from "./elementwise";
import { activationReference, softcapReference } from "./reference";

interface Shape {
  readonly rows?: number;
  readonly width?: number;
  readonly amplitude?: number;
  readonly factor?: number;
  readonly onOutputs?: boolean;
  /** Values of `a` that stand on their own, written over its start. */
  readonly special?: readonly number[];
}

const params = { width: "u32", factor: "f32", on_outputs: "u32" } as const;

function at(
  name: string,
  kernel: Kernel<typeof params>,
  expected: (a: number, b: number, factor: number) => number,
  shape: Shape = {},
): KernelCase {
  const { rows = 2, width = 36, amplitude = 4, factor = 1, onOutputs = false, special = [] } = shape;
  const a = noise(rows * width, 1, amplitude);
  const b = noise(rows * width, 2, amplitude);
  a.set(special);
  return kernelCase({
    name,
    kernel,
    params: { width, factor, on_outputs: onOutputs ? 1 : 0 },
    buffers: {
      batch: onOutputs
        ? batchUniform(
            rows + 3,
            Array.from({ length: rows }, (_, o) => o),
          )
        : batchUniform(rows),
      a,
      ...("b" in kernel.bindings && { b }),
      // One row more than there is work for: it stays unwritten.
      y: { words: (rows + 1) * width },
    },
    rows,
    expected: () => {
      const y = new Float64Array((rows + 1) * width).fill(Number.NaN);
      a.forEach((value, i) => {
        y[i] = expected(value, b[i]!, Math.fround(factor));
      });
      return { y };
    },
    tolerance: 2e-6,
  });
}

const KINDS: readonly UnaryKind[] = ["silu", "gelu_tanh", "gelu_erf", "relu", "sigmoid"];
/** Where formulas overflow, cancel or change branch. */
const EDGES = [0, -0, 1e-6, -1e-6, 0.599, 0.601, -0.6, 20, -20, 90, -90, 1e4, -1e4];

export const cases: readonly KernelCase[] = [
  at("one quad", add, (a, b) => a + b, { rows: 1, width: 4 }),
  at("rows not a bucket", add, (a, b) => a + b, { rows: 19, width: 68 }),
  at("output rows only", add, (a, b) => a + b, { rows: 3, onOutputs: true }),
  at("two rows", mul, (a, b) => a * b),
  at("gemma's embedding scale", scale, (a, _, factor) => a * factor, { factor: Math.sqrt(640) }),
  at("gemma2's final cap", softcap, (a, _, cap) => softcapReference(a, cap), { factor: 30, amplitude: 60 }),
  at("edges of its formula", softcap, (a, _, cap) => softcapReference(a, cap), { factor: 1, special: EDGES }),
  at("tiny against the cap", softcap, (a, _, cap) => softcapReference(a, cap), { factor: 50, amplitude: 1e-4 }),
  ...KINDS.flatMap((kind) => [
    at("edges of its formula", unary(kind), activationReference[kind], { special: EDGES, amplitude: 6 }),
    at("gate and value", gated(kind), (a, b) => activationReference[kind](a) * b, { amplitude: 6 }),
  ]),
];
