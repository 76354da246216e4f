// Trained models in every weight type on every adapter: the first chunk of each fixture. webgpu.heavy.test.ts has the
// whole of them.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../../support/parity";
import { trainedFixtures } from "../../support/parity_table";
import { webgpuBackend } from "../../support/webgpu";

test.each(trainedFixtures)("$path: logits of the first chunk under the fixture's bound", async ({ path, folder }) => {
  const fixture = await openParityFixture(path, folder);
  const { bound, vocab } = fixture.description;
  const backend = await webgpuBackend(fixture, { slots: 1 });
  const rows = Math.min(backend.limits.rows, fixture.tokens.length);
  const got = await logitsOf(backend, fixture.tokens.slice(0, rows), rows);
  backend.dispose();
  const found = compareLogits(got, fixture.logits.subarray(0, rows * vocab), vocab);
  console.info(`${path} on ${backend.adapter}: nmse ${found.nmse.toExponential(2)}, bound ${bound}`);
  expect(found.nmse).toBeLessThan(bound);
  expect(found.top1).toBe(1);
});
