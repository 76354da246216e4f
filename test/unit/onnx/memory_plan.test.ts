// What fits the 4 GiB of a wasm heap, decided from headers alone: graphs in the shapes of real models, and no weights.

import { describe, expect, test } from "vitest";
import { type Shape as BenchShape, SHAPES } from "../../../bench/shapes";
import { mostRows } from "../../../src/backends/onnx/kv";
import { planMemory } from "../../../src/backends/onnx/memory_plan";
import { weightsOf } from "../../../src/backends/reference/weights";
import type { TensorInfo, WeightsFile } from "../../../src/files/weights_file";
import { type Graph, recordGraph } from "../../../src/graph/graph";

type Shape = Pick<BenchShape, "layers" | "dim" | "hidden" | "heads" | "kvHeads" | "headDim" | "vocab">;

const { "smollm2-135m": smollm135, "qwen3-0.6b": qwen06, "llama-3.2-1b": llama1 } = SHAPES;
const llama8: Shape = { layers: 32, dim: 4096, hidden: 14_336, heads: 32, kvHeads: 8, headDim: 128, vocab: 128_256 };

function graphOf({ layers, dim, hidden, heads, kvHeads, headDim, vocab }: Shape): Graph {
  const matrix = (name: string, rows: number, cols: number) => ({ name, shape: [rows, cols] });
  return recordGraph((g) => {
    const table = matrix("table", vocab, dim);
    let x = g.embed(table);
    for (let layer = 0; layer < layers; layer++) {
      const [q, k, v] = (
        [
          ["q", heads],
          ["k", kvHeads],
          ["v", kvHeads],
        ] as const
      ).map(([name, count]) => g.linear(x, matrix(`${name}${layer}`, count * headDim, dim)));
      const y = g.attention(q!, k!, v!, { layer, headDim });
      x = g.add(x, g.linear(y, matrix(`o${layer}`, dim, heads * headDim)));
      const gate = g.linear(x, matrix(`gate${layer}`, hidden, dim));
      const up = g.linear(x, matrix(`up${layer}`, hidden, dim));
      x = g.add(x, g.linear(g.mul(gate, up), matrix(`down${layer}`, dim, hidden)));
    }
    return g.linear(g.outputRows(x), table);
  });
}

function fileOf(graph: Graph, type: string): WeightsFile {
  const read = () => Promise.reject(new Error("a weight was read"));
  const tensors = weightsOf(graph).map(({ name, shape }): readonly [string, TensorInfo] => [
    name,
    { name, shape, type, offset: 0, bytes: 0, source: { read } as unknown as TensorInfo["source"] },
  ]);
  return { format: "gguf", name: "model.gguf", metadata: new Map(), tensors: new Map(tensors), bytes: 0, dispose() {} };
}

function plan(shape: Shape, type: string, wishes: Partial<Parameters<typeof planMemory>[2]> = {}) {
  const graph = graphOf(shape);
  return planMemory(graph, fileOf(graph, type), { context: 4096, kvTokens: 4096, slots: 4, ...wishes });
}

test("a small model: all f32, and the context that was asked for", () => {
  const { weights, context, kvTokens } = plan(smollm135, "F16", { context: 8192, kvTokens: 8192 });
  expect(weights.summary).toBe("f32 weights");
  expect([context, kvTokens]).toEqual([8192, 8192]);
});

test("0.6 billion weights stay f32; the context gives way first, never below 2048", () => {
  const { weights, context, kvTokens } = plan(qwen06, "Q8_0", { context: 8192, kvTokens: 8192 });
  expect(weights.summary).toBe("f32 weights");
  expect(kvTokens).toBe(context);
  expect(context).toBeGreaterThanOrEqual(2048);
  expect(context).toBeLessThan(8192);
});

test("int8-dynamic leaves room for the whole context; its head stays f32", () => {
  const { weights, context } = plan(qwen06, "F16", { choice: "int8-dynamic" });
  expect(context).toBe(4096);
  expect(weights.summary).toMatch(/196 of 197 matrices int8-dynamic/);
  expect(weights.bytes).toBeLessThan(1.1e9);
});

describe("a model for which f32 is too large", () => {
  test.each([
    ["Q8_0", /matrices int8/],
    ["Q4_0", /matrices int4/],
  ])("%s keeps its bits where it must", (type, says) => {
    expect(plan(llama1, type).weights.summary).toMatch(says);
  });

  test("of another type is refused, saying what would fit", () => {
    expect(() => plan(llama1, "Q4_K")).toThrow(
      expect.objectContaining({
        code: "out-of-memory",
        message: expect.stringMatching(/model\.gguf.*MiB.*million weights fit in any type.*Q8_0 or Q4_0.*WebGPU/s),
      }),
    );
  });

  test("of 8 billion weights is refused in any type", () => {
    for (const type of ["F16", "Q8_0", "Q4_0"])
      expect(() => plan(llama8, type)).toThrow(expect.objectContaining({ code: "out-of-memory" }));
  });
});

test.each([
  [smollm135, "F16", {}],
  [qwen06, "Q8_0", {}],
  [qwen06, "F16", { choice: "int8-dynamic" }],
  [llama1, "Q8_0", {}],
  [llama1, "Q4_0", { slots: 64 }],
] as const)("what is planned fits 4 GiB: %o %s %o", (shape, type, wishes) => {
  const { weights, kvTokens } = plan(shape, type, wishes);
  const slots = "slots" in wishes ? wishes.slots : 4;
  const kv = 8 * shape.layers * shape.kvHeads * shape.headDim * mostRows({ kvTokens, slots });
  expect(1.1 * weights.bytes + kv).toBeLessThan(2 ** 32);
});
