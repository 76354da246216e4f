// The onnx backend on trained models in every weight type, against llama.cpp and Transformers.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../src/backends/backend";
import { createOnnxBackend } from "../../src/backends/onnx/index";
import { compareLogits, greedyOf, logitsOf, openParityFixture, type ParityFixture } from "../support/parity";
import { trainedFixtures } from "../support/parity_table";

const BOUND = 1e-9;

async function open(fixture: ParityFixture, weightBudget?: number): Promise<Backend> {
  const { graph, file, config } = fixture;
  const options = { precision: "exact", kv: "f32", kvTokens: 256, context: 256, slots: 1 } as const;
  return createOnnxBackend({ graph, file, vocab: config.vocab, options }, weightBudget ? { weightBudget } : {});
}

describe.each(trainedFixtures)("$path", ({ path, folder }) => {
  let fixture: ParityFixture;
  let backend: Backend;

  beforeAll(async () => {
    fixture = await openParityFixture(path, folder);
    backend = await open(fixture);
  });

  afterAll(() => backend.dispose());

  test.each([512, 7])("logits in chunks of %i", async (chunk) => {
    const { tokens, logits, description } = fixture;
    const found = compareLogits(await logitsOf(backend, tokens, chunk), logits, description.vocab);
    console.info(`${path}, ${chunk}: nmse ${found.nmse.toExponential(2)}, KL ${found.klMean.toExponential(2)}`);
    expect(found.nmse).toBeLessThan(Math.min(BOUND, description.bound));
    expect(found.klMean).toBeLessThan(1e-7);
    expect(found.top1).toBe(1);
  });

  test("greedy ids, where the fixture gives them", async () => {
    const { prompt, greedy = [] } = fixture.description;
    expect(greedy.length > 0).toBe(path.includes("stories260K"));
    if (greedy.length > 0) expect(await greedyOf(backend, prompt, greedy.length)).toEqual(greedy);
  });
});

// Matrices at the file's own bits, as when f32 does not fit: the same weights by another operation.
test.each(trainedFixtures.filter(({ path }) => /trained.*Q[48]_0/.test(path)))("$path at its own bits", async (row) => {
  const fixture = await openParityFixture(row.path, row.folder);
  const whole = await open(fixture);
  const backend = await open(fixture, whole.memory.weights / 2);
  whole.dispose();
  expect(backend.adapter).toMatch(row.path.includes("Q8_0") ? /matrices int8/ : /matrices int4/);
  const { tokens, logits, description } = fixture;
  const { nmse, top1 } = compareLogits(await logitsOf(backend, tokens, 64), logits, description.vocab);
  backend.dispose();
  console.info(`${row.path}, ${backend.adapter}: nmse ${nmse.toExponential(2)}`);
  expect(nmse).toBeLessThan(Math.min(BOUND, description.bound));
  expect(top1).toBe(1);
});
