// The reference backend on trained models in every weight type, against llama.cpp and Transformers.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend } from "../../src/backends/backend";
import { createReferenceBackend } from "../../src/backends/reference/index";
import { tokenizerFromMetadata } from "../../src/text/tokenizer";
import { readFixtureText } from "../support/files";
import { compareLogits, greedyOf, logitsOf, openParityFixture, type ParityFixture } from "../support/parity";
import { storyFixtures, storyPath, trainedFixtures } from "../support/parity_table";

/** f64 against llama.cpp's f32 or Transformers' f64: far under the fixtures' own bounds, which are for f32 arithmetic. */
const BOUND = 1e-12;

function referenceOf(fixture: ParityFixture): Promise<Backend> {
  return createReferenceBackend({
    graph: fixture.graph,
    file: fixture.file,
    vocab: fixture.config.vocab,
    options: { precision: "exact", kv: "f32", kvTokens: 256, context: 256, slots: 1 },
  });
}

describe.each(trainedFixtures)("$path", ({ path, folder }) => {
  let fixture: ParityFixture;
  let backend: Backend;

  beforeAll(async () => {
    fixture = await openParityFixture(path, folder);
    backend = await referenceOf(fixture);
  });

  afterAll(() => backend.dispose());

  test.each([512, 7])("logits in chunks of %i", async (chunk) => {
    const { tokens, logits, description } = fixture;
    const found = compareLogits(await logitsOf(backend, tokens, chunk), logits, description.vocab);
    console.info(`${path}: nmse ${found.nmse.toExponential(2)}, KL ${found.klMean.toExponential(2)}`);
    expect(found.nmse).toBeLessThan(Math.min(BOUND, description.bound));
    expect(found.klMean).toBeLessThan(1e-10);
    expect(found.top1).toBe(1);
  });

  test("greedy ids, where the fixture gives them", async () => {
    const { prompt, greedy = [] } = fixture.description;
    expect(greedy.length > 0).toBe(path.includes("stories260K"));
    if (greedy.length > 0) expect(await greedyOf(backend, prompt, greedy.length)).toEqual(greedy);
  });
});

test.each(storyFixtures)("%s writes the published story", async (path) => {
  const fixture = await openParityFixture(path, "external");
  const backend = await referenceOf(fixture);
  const story = JSON.parse(await readFixtureText(`${storyPath}.json`, "external")) as {
    prompt: number[];
    greedy: number[];
  };
  const ids = await greedyOf(backend, story.prompt, story.greedy.length);
  backend.dispose();
  expect(ids).toEqual(story.greedy);
  const text = tokenizerFromMetadata(fixture.file.metadata).decode(ids);
  expect(text.trim()).toBe((await readFixtureText(`${storyPath}.txt`, "external")).trim());
});
