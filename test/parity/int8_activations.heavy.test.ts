// Decoding with rows rounded to 8 bits: a whole model stays close to the exact one, and a device without packed dot
// products stays exact and says so.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { webgpuBackend } from "../support/webgpu";

/** Mean KL divergence from the exact distribution, nats per token; every matrix rounds, the head too. */
const BOUND = 1e-3;
const ROWS = 48;

async function measured(without: readonly "packedDot"[]) {
  const fixture = await openParityFixture("builtin/fennec-builtin");
  const backend = await webgpuBackend(fixture, { slots: 1, context: 128, activations: "int8", without });
  // Two rows at a time: prefill chunks of more than 16 multiply exactly.
  const got = await logitsOf(backend, fixture.tokens.slice(0, ROWS), 2);
  const { vocab, bound } = fixture.description;
  const found = compareLogits(got, fixture.logits.subarray(0, ROWS * vocab), vocab);
  const { activations } = backend;
  backend.dispose();
  return { ...found, activations, bound };
}

test("the built-in model in Q8_0", async () => {
  const { klMean, nmse, top1, activations } = await measured([]);
  console.info(
    `x in eight bits: KL ${klMean.toExponential(2)}, bound ${BOUND}, nmse ${nmse.toExponential(2)}, top-1 ${top1}`,
  );
  expect(activations).toBe("int8");
  expect(klMean).toBeLessThan(BOUND);
  expect(nmse).toBeGreaterThan(1e-9); // it did round
});

test("without packed dot products it stays exact", async () => {
  const { nmse, bound, activations } = await measured(["packedDot"]);
  expect(activations).toBeUndefined();
  expect(nmse).toBeLessThan(bound);
});
