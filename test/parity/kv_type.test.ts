// The backend says how it stores keys and values, also where that is not what its precision would choose.

import { expect, test } from "vitest";
import type { KvType, Precision } from "../../src/backends/backend";
import { createWebgpuBackend } from "../../src/backends/webgpu/index";
import { testGpu } from "../support/gpu";
import { openParityFixture } from "../support/parity";

const cases: readonly (readonly [precision: Precision, kv: KvType])[] = [
  ["exact", "f16"],
  ["fast", "f32"],
  ["fast", "int8"],
];

/** Bytes of a head of so many elements. */
const bytes = {
  f32: (dim: number) => 4 * dim,
  f16: (dim: number) => 2 * dim,
  int8: (dim: number) => dim + 4 * Math.ceil(dim / 32),
};

test.each(cases)("%s with keys and values in %s", async (precision, kv) => {
  const { file, graph, config } = await openParityFixture("nano/llama-nano-F32");
  const options = { precision, kv, kvTokens: 64, context: 64, slots: 1 };
  const backend = await createWebgpuBackend({ graph, file, vocab: config.vocab, options }, await testGpu(), {
    selfTest: false,
  });
  expect(backend).toMatchObject({ precision, kv });
  const layers = graph.caches.reduce((sum, { kvHeads, headDim }) => sum + 2 * kvHeads * bytes[kv](headDim), 0);
  const pages = backend.groups[0]!.pages * backend.pageTokens;
  expect(backend.memory.kv).toBe(pages * layers);
  backend.dispose();
});
