// Rows rounded to 8 bits, in decoding and in prompts: a whole model stays close to the exact one, and a device without
// packed dot products stays exact and says so.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { pipelinesOf } from "../support/pipelines";
import { type WebgpuTestOptions, webgpuBackend } from "../support/webgpu";

/** Mean KL divergence from the exact distribution, nats per token; every matrix rounds, the head too. Measured: 1.7e-4. */
const BOUND = 1e-3;
const ROWS = 48;

async function measured(chunk: number, options: WebgpuTestOptions) {
  const fixture = await openParityFixture("builtin/fennec-builtin");
  const { result: backend, labels } = await pipelinesOf(() =>
    webgpuBackend(fixture, { slots: 1, context: 128, activations: "int8", ...options }),
  );
  const got = await logitsOf(backend, fixture.tokens.slice(0, ROWS), chunk);
  const { vocab, bound } = fixture.description;
  const found = compareLogits(got, fixture.logits.subarray(0, ROWS * vocab), vocab);
  const { activations } = backend;
  backend.dispose();
  return { ...found, activations, bound, labels };
}

test.each([
  { name: "decoding, two rows at a time", chunk: 2, options: {} },
  // The head has 16 outputs at most, and rounds like decoding.
  { name: "a prompt", chunk: ROWS, options: { preferVariant: "tile_int8" } },
])("the built-in model in Q8_0, $name", async ({ name, chunk, options }) => {
  const { klMean, nmse, top1, activations, labels } = await measured(chunk, options);
  console.info(
    `x in eight bits, ${name}: KL ${klMean.toExponential(2)}, bound ${BOUND}, nmse ${nmse.toExponential(2)}, top-1 ${top1}`,
  );
  expect(activations).toBe("int8");
  expect(labels.some((label) => /_int8\/tile_int8\//.test(label))).toBe(chunk > 16);
  expect(klMean).toBeLessThan(BOUND);
  expect(nmse).toBeGreaterThan(1e-9); // it did round
});

test("without packed dot products it stays exact", async () => {
  const { nmse, bound, activations } = await measured(2, { without: ["packedDot"] });
  expect(activations).toBeUndefined();
  expect(nmse).toBeLessThan(bound);
});
