// The webgpu backend on trained models in every weight type, against llama.cpp and Transformers, in both precisions, and
// the text that it writes.

import { describe, expect, test } from "vitest";
import { tokenizerFromMetadata } from "../../../src/text/tokenizer";
import { readFixtureText } from "../../support/files";
import { compareLogits, greedyOf, logitsOf, openParityFixture } from "../../support/parity";
import { storyFixtures, storyPath, trainedFixtures } from "../../support/parity_table";
import { webgpuBackend } from "../../support/webgpu";

/** Keys and values in f16: the fixtures' references differ from their own f16 caches by 5e-9 to 5e-7. */
const FAST_BOUND = 1e-5;

describe.each(trainedFixtures)("$path", ({ path, folder }) => {
  test("logits in one chunk and in chunks of 7, exact and fast; greedy ids", async () => {
    const fixture = await openParityFixture(path, folder);
    const { tokens, logits, description } = fixture;
    const { bound, vocab, prompt, greedy = [] } = description;
    const exact = await webgpuBackend(fixture, { slots: 1 });
    for (const chunk of [exact.limits.rows, 7]) {
      const found = compareLogits(await logitsOf(exact, tokens, chunk), logits, vocab);
      console.info(
        `${path}, chunks of ${chunk}: nmse ${found.nmse.toExponential(2)} (bound ${bound}), ` +
          `KL ${found.klMean.toExponential(2)}, top-1 ${found.top1}`,
      );
      expect(found.nmse).toBeLessThan(bound);
      expect(found.top1).toBe(1);
    }
    if (greedy.length > 0) expect(await greedyOf(exact, prompt, greedy.length)).toEqual(greedy);
    exact.dispose();

    const fast = await webgpuBackend(fixture, { slots: 1, kv: "f16" });
    const found = compareLogits(await logitsOf(fast, tokens, fast.limits.rows), logits, vocab);
    console.info(
      `${path}, fast: nmse ${found.nmse.toExponential(2)} (bound ${FAST_BOUND}), KL ${found.klMean.toExponential(2)}`,
    );
    expect(found.nmse).toBeLessThan(FAST_BOUND);
    fast.dispose();
  });
});

test.each(storyFixtures)("%s writes the published story, 240 tokens", async (path) => {
  const fixture = await openParityFixture(path, "external");
  const story = JSON.parse(await readFixtureText(`${storyPath}.json`, "external")) as {
    prompt: number[];
    greedy: number[];
  };
  const backend = await webgpuBackend(fixture, { slots: 1 });
  const ids = await greedyOf(backend, story.prompt, story.greedy.length);
  backend.dispose();
  expect(ids).toEqual(story.greedy);
  const text = tokenizerFromMetadata(fixture.file.metadata).decode(ids);
  expect(text.trim()).toBe((await readFixtureText(`${storyPath}.txt`, "external")).trim());
});
