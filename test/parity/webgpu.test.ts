// Logits of the webgpu backend against another implementation's: every architecture, and one on a device with default
// limits and no features. Measured values are printed beside their bounds.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { ownFixtures } from "../support/parity_table";
import { webgpuBackend } from "../support/webgpu";

test.each([
  ...ownFixtures.map(({ path }) => [path, "all that the adapter has", {}] as const),
  ["nano/llama-nano-F32", "default limits", { defaultLimits: true }] as const,
])("%s, %s: logits under the fixture's bound", async (name, _, options) => {
  const fixture = await openParityFixture(name);
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
