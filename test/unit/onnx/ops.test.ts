// Every operation of a graph in every form, against the reference backend: also those that no model of the parity tests
// uses. Each case runs as a prompt in chunks, so that attention reads earlier rows, causal and with keyEnd.

import { expect, test } from "vitest";
import { GREEDY } from "../../../kernels/sample/settings";
import type { Backend, BackendInput, Row } from "../../../src/backends/backend";
import { createOnnxBackend, type OnnxOptions } from "../../../src/backends/onnx/index";
import { createReferenceBackend } from "../../../src/backends/reference/index";
import { weightsOf } from "../../../src/backends/reference/weights";
import {
  type AttentionSpec,
  type GraphBuilder,
  type RopeSpec,
  recordGraph,
  type Value,
} from "../../../src/graph/graph";
import { TestPages } from "../../support/pages";
import { compareLogits } from "../../support/parity";
import { randomFile } from "./random_file";

const VOCAB = 40;
const DIM = 64;
const TOKENS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 8, 39, 7, 9, 3, 2, 38, 4, 6, 26];
const CHUNK = 7;

const matrix = (name: string, rows = DIM, cols = DIM) => ({ name, shape: [rows, cols] });
const vector = (name: string, size = DIM) => ({ name, shape: [size] });
const frequencies = (count: number) => Array.from({ length: count }, (_, i) => 10 ** -i);

function rope(style: RopeSpec["style"], dims: number, more: Partial<RopeSpec> = {}): RopeSpec {
  return { style, dims, frequencies: frequencies(dims / 2), ...more };
}

/** Attention over projections of x. @param heads Query heads over key heads. */
function attend(
  g: GraphBuilder,
  x: Value,
  spec: Partial<AttentionSpec>,
  [heads, kvHeads] = [4, 2],
  headDim = 16,
): Value {
  const q = g.linear(x, matrix("q", heads! * headDim));
  const k = g.linear(x, matrix("k", kvHeads! * headDim));
  const v = g.linear(x, matrix("v", kvHeads! * headDim));
  return g.linear(g.attention(q, k, v, { layer: 0, headDim, ...spec }), matrix("o", DIM, heads! * headDim));
}

interface Case {
  readonly name: string;
  readonly body: (g: GraphBuilder, x: Value) => Value;
  /** Type of the matrices. */
  readonly type?: string;
  readonly options?: OnnxOptions;
  /** What `adapter` says of the forms. */
  readonly says?: string;
}

const cases: readonly Case[] = [
  { name: "linear", body: (g, x) => g.linear(x, matrix("w")) },
  { name: "linear with a bias", body: (g, x) => g.linear(x, matrix("w"), vector("b")) },
  { name: "one matrix used twice", body: (g, x) => g.linear(g.linear(x, matrix("w")), matrix("w")) },
  { name: "rms_norm", body: (g, x) => g.rmsNorm(x, vector("n"), 1e-5) },
  { name: "rms_norm by heads", body: (g, x) => g.rmsNorm(x, vector("n", 16), 1e-2) },
  { name: "layer_norm", body: (g, x) => g.layerNorm(x, vector("n"), undefined, 1e-5) },
  { name: "layer_norm with a bias", body: (g, x) => g.layerNorm(x, vector("n"), vector("b"), 1e-2) },
  ...(["silu", "gelu_tanh", "gelu_erf", "relu", "sigmoid"] as const).map(
    (kind): Case => ({ name: kind, body: (g, x) => g.unary(kind, g.scale(x, 3)) }),
  ),
  { name: "softcap", body: (g, x) => g.softcap(g.scale(x, 5), 2.5) },
  { name: "scale, mul", body: (g, x) => g.mul(g.scale(x, -0.3), x) },
  { name: "rope, halves", body: (g, x) => g.rope(x, 16, rope("half", 16)) },
  { name: "rope, adjacent pairs", body: (g, x) => g.rope(x, 16, rope("adjacent", 16)) },
  { name: "rope of a part of each head, halves", body: (g, x) => g.rope(x, 32, rope("half", 12)) },
  { name: "rope of a part of each head, adjacent", body: (g, x) => g.rope(x, 32, rope("adjacent", 12)) },
  { name: "rope with factors", body: (g, x) => g.rope(x, 16, rope("half", 16, { factors: vector("f", 8) })) },
  {
    name: "two ropes that differ in their factors only",
    body: (g, x) => g.rope(g.rope(x, 16, rope("half", 16)), 16, rope("half", 16, { factors: vector("f", 8) })),
  },
  { name: "attention", body: (g, x) => attend(g, x, {}) },
  { name: "attention, a key head for each query head", body: (g, x) => attend(g, x, {}, [4, 4]) },
  { name: "attention, one key head", body: (g, x) => attend(g, x, {}, [4, 1]) },
  // The runtime's own operation refuses these.
  { name: "attention, heads of 22", body: (g, x) => attend(g, x, {}, [6, 3], 22) },
  { name: "attention with a scale", body: (g, x) => attend(g, x, { scale: 1.5 }) },
  { name: "attention with a window that ends inside a chunk", body: (g, x) => attend(g, x, { window: 3 }) },
  { name: "attention with a window longer than a chunk", body: (g, x) => attend(g, x, { window: 10 }) },
  { name: "attention with a window of one", body: (g, x) => attend(g, x, { window: 1 }) },
  { name: "attention with a softcap", body: (g, x) => attend(g, x, { scale: 3, softcap: 1.5 }) },
  { name: "attention with sinks", body: (g, x) => attend(g, x, { sinks: vector("s", 4) }) },
  {
    name: "attention with everything",
    body: (g, x) => attend(g, x, { scale: 2, window: 5, softcap: 2, sinks: vector("s", 4) }),
  },
  {
    name: "matrices at 8 bits when f32 does not fit",
    type: "Q8_0",
    options: { weightBudget: 18_000 },
    says: "int8",
    body: (g, x) => attend(g, x, {}),
  },
  {
    name: "matrices at 4 bits when f32 does not fit",
    type: "Q4_0",
    options: { weightBudget: 13_000 },
    says: "int4",
    body: (g, x) => g.linear(attend(g, x, {}), matrix("w"), vector("b")),
  },
  {
    name: "some matrices at 8 bits, the largest first",
    type: "Q8_0",
    options: { weightBudget: 45_000 },
    says: "f32 weights, 2 of 5 matrices int8 (slow)",
    body: (g, x) => attend(g, x, {}),
  },
];

/** Logits of all rows: causal chunks, then the last chunk again with every row seeing all of it. */
async function logitsOf(backend: Backend): Promise<Float32Array> {
  const pages = new TestPages(backend);
  backend.openSlot(0, { generation: 1, sampler: GREEDY, history: [] });
  const parts: Float32Array[] = [];
  const run = async (start: number, keyEnd?: number) => {
    const end = Math.min(TOKENS.length, start + CHUNK);
    const rows = TOKENS.slice(start, end).map((token, i): Row => {
      return { slot: 0, token, position: start + i, want: "logits", ...(keyEnd !== undefined && { keyEnd }) };
    });
    for (const output of await backend.step({ rows, pages: pages.grow(0, end) }))
      if (output.want === "logits") parts.push(output.logits);
  };
  for (let start = 0; start < TOKENS.length; start += CHUNK) await run(start);
  await run(2 * CHUNK, TOKENS.length);
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

test.each(cases)("$name", async ({ body, type = "F32", options = {}, says = "f32 weights" }) => {
  const graph = recordGraph((g) => {
    const x = g.embed(matrix("table", VOCAB), { scale: 1.5 });
    const y = g.add(body(g, x), x);
    const normed = g.rmsNorm(g.outputRows(y), vector("last"), 1e-6);
    return g.linear(normed, matrix("table", VOCAB));
  });
  const input: BackendInput = {
    graph,
    file: randomFile(weightsOf(graph), () => type),
    vocab: VOCAB,
    options: { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 },
  };
  const reference = await createReferenceBackend(input);
  const backend = await createOnnxBackend(input, options);
  try {
    expect(backend.adapter).toContain(says);
    const wanted = await logitsOf(reference);
    expect(compareLogits(await logitsOf(backend), wanted, VOCAB).nmse).toBeLessThan(1e-11);
  } finally {
    reference.dispose();
    backend.dispose();
  }
});
