// Prompts with rows rounded to 8 bits, on trained models: how far their predictions are from the exact ones.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../../support/parity";
import { trainedFixtures } from "../../support/parity_table";
import { pipelinesOf } from "../../support/pipelines";
import { webgpuBackend } from "../../support/webgpu";

/** Mean KL divergence from the exact distribution, nats per token; measured on lavapipe: 2.8e-5 to 5.4e-5. */
const BOUND = 1e-4;
/** Rows of a step, more than decoding takes. A third of the prompt. */
const CHUNK = 37;

const rounding = trainedFixtures.filter(({ path }) => /stories-(Q8_0|Q4_0|Q4_K_M|Q6_K)$/.test(path));

test.each(rounding)("$path, a prompt in chunks", async ({ path, folder }) => {
  const fixture = await openParityFixture(path, folder);
  const { result: backend, labels } = await pipelinesOf(() =>
    webgpuBackend(fixture, { slots: 1, activations: "int8", preferVariant: "tile_int8" }),
  );
  const rows = Math.floor(fixture.tokens.length / CHUNK) * CHUNK;
  const { vocab } = fixture.description;
  const got = await logitsOf(backend, fixture.tokens.slice(0, rows), CHUNK);
  backend.dispose();
  const found = compareLogits(got, fixture.logits.subarray(0, rows * vocab), vocab);
  console.info(
    `${path}, x in eight bits, ${rows} rows: KL ${found.klMean.toExponential(2)} (bound ${BOUND}), ` +
      `nmse ${found.nmse.toExponential(2)}, top-1 ${found.top1}`,
  );
  expect(labels.join()).toContain("_int8/tile_int8/");
  expect(found.klMean).toBeLessThan(BOUND);
});
