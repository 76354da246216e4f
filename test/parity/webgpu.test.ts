// Logits of the webgpu backend against another implementation's: every architecture, and one on a device with default
// limits and no features. Measured values are printed beside their bounds.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { webgpuBackend } from "../support/webgpu";

const nano = ["llama-nano-F32", "qwen2-nano-F16", "qwen3-nano-F32", "gemma3-nano-F16"];

test.each([
  ...nano.map((name) => [name, "all that the adapter has", {}] as const),
  ["llama-nano-F32", "default limits", { defaultLimits: true }] as const,
])("%s, %s: logits under the fixture's bound", async (name, _, options) => {
  const fixture = await openParityFixture(`nano/${name}`);
  const backend = await webgpuBackend(fixture, options);
  const logits = await logitsOf(backend, fixture.tokens, backend.limits.rows);
  const found = compareLogits(logits, fixture.logits, fixture.description.vocab);
  console.info(
    `${name} on ${backend.adapter}: nmse ${found.nmse.toExponential(2)}, bound ${fixture.description.bound}`,
  );
  expect(found.nmse).toBeLessThan(fixture.description.bound);
  expect(found.top1).toBe(1);
  backend.dispose();
});
