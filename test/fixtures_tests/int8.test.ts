// What `int8` of kernels/linear costs in quality: the reference backend with x rounded to eight bits before every matrix,
// the head included, against logits of llama.cpp. The kernels themselves are held by their cases.

import { expect, test, vi } from "vitest";
import { roundedToInt8 } from "../../kernels/linear/reference";
import { createReferenceBackend } from "../../src/backends/reference/index";
import type * as Linear from "../../src/backends/reference/linear";
import type { Matrix } from "../../src/backends/reference/tensor";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { trainedFixtures } from "../support/parity_table";

/** Mean KL divergence from the exact distribution, nats per token. */
const BOUND = 1e-3;

vi.mock("../../src/backends/reference/linear", async (original) => {
  const exact = await original<typeof Linear>();
  const rounded = ({ rows, width, data }: Matrix): Matrix => ({
    rows,
    width,
    data: Float64Array.from(
      Array.from({ length: rows }, (_, row) => [
        ...roundedToInt8(Float64Array.from(data.subarray(row * width, (row + 1) * width))),
      ]).flat(),
    ),
  });
  return { ...exact, linear: (...[x, ...rest]: Parameters<typeof Linear.linear>) => exact.linear(rounded(x), ...rest) };
});

const quantized = trainedFixtures.filter(({ path }) => /stories-(Q8_0|Q4_K_M)/.test(path));

test.each(quantized)("$path", async ({ path, folder }) => {
  const fixture = await openParityFixture(path, folder);
  const { graph, file, config, tokens, logits } = fixture;
  const backend = await createReferenceBackend({
    graph,
    file,
    vocab: config.vocab,
    options: { precision: "exact", kv: "f32", kvTokens: 256, context: 256, slots: 1 },
  });
  const found = compareLogits(await logitsOf(backend, tokens, 512), logits, config.vocab);
  console.info(
    `${path}, x in eight bits: KL ${found.klMean.toExponential(2)}, nmse ${found.nmse.toExponential(2)}, top-1 ${found.top1}`,
  );
  expect(found.klMean).toBeLessThan(BOUND);
  // It did round.
  expect(found.klMean).toBeGreaterThan(1e-9);
  backend.dispose();
});
