// The tokenizers of the trained story models, against the prompts and continuations that come with them.

import { describe, expect, test } from "vitest";
import { createDetokenizer } from "../../src/text/detokenizer";
import { tokenizerFromMetadata } from "../../src/text/tokenizer";
import { openFixtureModel, readFixtureText } from "../support/files";

const stories = "third-party/stories260K";

describe("stories260K", async () => {
  const tokenizer = tokenizerFromMetadata(
    (await openFixtureModel(`${stories}/stories260K-F32.gguf`, "external")).metadata,
  );
  const { prompt, greedy } = JSON.parse(await readFixtureText(`${stories}/greedy.json`, "external"));
  const text = await readFixtureText(`${stories}/greedy.txt`, "external");

  test("the published text is that of the greedy ids", () => {
    expect(tokenizer.decode([...prompt, ...greedy], { skipSpecial: true })).toBe(text);
  });

  test("token by token too", () => {
    const detokenizer = createDetokenizer(tokenizer, { skipSpecial: true, after: prompt.at(-1) });
    const pieces = greedy.map((id: number) => detokenizer.push(id));
    expect(pieces.join("") + detokenizer.flush()).toBe(text);
  });

  test("the text gives the ids, but for the last, which was cut short", () => {
    expect(tokenizer.encode(text, { bos: true }).slice(0, 239)).toEqual([...prompt, ...greedy].slice(0, 239));
  });

  test("SPM without the key: BOS comes first", () => expect(tokenizer.addBos).toBe(true));
});

describe.each(["qwen3-stories", "gemma3-stories"])("%s", async (model) => {
  const { metadata } = await openFixtureModel(`trained/${model}-F16.gguf`, "external");

  test("held-out text comes back", async () => {
    const text = await readFixtureText("trained/heldout.txt", "external");
    const tokenizer = tokenizerFromMetadata(metadata);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });
});

test("a vocabulary that only stands in for one has no tokenizer", async () => {
  const { metadata } = await openFixtureModel("arch/mamba2-dense.gguf", "external");
  expect(() => tokenizerFromMetadata(metadata)).toThrow(expect.objectContaining({ code: "tokenizer-missing" }));
});
