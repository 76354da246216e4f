import { describe, expect, test } from "vitest";
import { withOpenAiSurface } from "../../../src/api/surface";
import type { CompletionChunk, CompletionParams } from "../../../src/api/types";
import { expectFennecError } from "../../support/expect_error";
import { type FakeEngineOptions, fakeEngine, TOKEN } from "../../support/fake_engine";

function setUp(options: FakeEngineOptions = {}) {
  const { engine, backend } = fakeEngine(options);
  return { engine: withOpenAiSurface(engine), backend };
}

test("a text prompt gives OpenAI's shape, and 16 tokens unless asked for more", async () => {
  const { engine } = setUp({ reply: undefined });
  const { id, created, timings, choices, usage, ...rest } = await engine.completions.create({
    prompt: "Hello",
    temperature: 0,
    logit_bias: {},
  });
  expect(id).toMatch(/^cmpl-[0-9a-f]{32}$/);
  expect(created).toBeGreaterThan(0);
  expect(timings.prefilledRows).toBe(6);
  expect(rest).toEqual({ object: "text_completion", model: "fake", system_fingerprint: "fennec-reference-exact" });
  expect(choices).toEqual([{ index: 0, text: expect.any(String), logprobs: null, finish_reason: "length" }]);
  expect(usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 16, total_tokens: 22 });
});

test("ids are used exactly as given", async () => {
  const { engine, backend } = setUp({ reply: "ok" });
  const { choices } = await engine.completions.create({ prompt: [7, TOKEN.assistant], temperature: 0 });
  expect(choices[0]).toMatchObject({ text: "ok", finish_reason: "stop" });
  expect(backend.rows.slice(0, 2).map(({ token }) => token)).toEqual([7, TOKEN.assistant]);
});

test.each([
  { why: "several texts", prompt: ["Hello", "World"] },
  {
    why: "several lists of ids",
    prompt: [
      [5, 6, 7],
      [8, 9],
    ],
  },
])("$why: choices are numbered prompt by prompt", async ({ prompt }) => {
  const { engine } = setUp();
  const params = { prompt, temperature: 1, seed: 3, max_tokens: 4, n: 2 };
  const { choices, usage } = await engine.completions.create(params);
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  const single = await engine.completions.create({ ...params, prompt: prompt[1]!, n: 1 });
  expect(choices[2]!.text).toBe(single.choices[0]!.text);
  expect(usage.completion_tokens).toBe(16);
});

test("a stream carries pieces of text, the finish reason last, then the usage", async () => {
  const { engine } = setUp({ reply: "né" });
  const chunks: CompletionChunk[] = [];
  const params = { prompt: [TOKEN.assistant], temperature: 0, stream_options: { include_usage: true } };
  for await (const chunk of await engine.completions.create({ ...params, stream: true })) chunks.push(chunk);
  const seen = chunks.map(({ choices: [choice] }) => choice && [choice.text, choice.finish_reason]);
  expect(seen).toEqual([["n", null], ["é", null], ["", "stop"], undefined]);
  expect(chunks.map(({ usage }) => usage?.completion_tokens ?? null)).toEqual([null, null, null, 4]);
});

describe("what is refused", () => {
  const cases: { why: string; params: object; words: string[] }[] = [
    { why: "echo", params: { echo: true }, words: ["echo"] },
    { why: "a suffix", params: { suffix: "x" }, words: ["suffix"] },
    { why: "logprobs", params: { logprobs: 3 }, words: ["logprobs"] },
    { why: "best of several", params: { best_of: 2 }, words: ["best_of"] },
    { why: "chat's limit", params: { max_completion_tokens: 5 }, words: ["max_completion_tokens"] },
    { why: "no prompt", params: { prompt: null }, words: ["prompt: got null"] },
    { why: "no prompts", params: { prompt: [] }, words: ["prompt"] },
    {
      why: "an id past the vocabulary, second prompt",
      params: { prompt: [[1], [9999]] },
      words: ["prompt[1][0]: got 9999"],
    },
    { why: "a mixture", params: { prompt: ["a", {}] }, words: ["prompt[1]"] },
  ];

  test.each(cases)("$why", async ({ params, words }) => {
    const { engine, backend } = setUp();
    const request = { prompt: "x", ...params } as CompletionParams;
    await expectFennecError(() => engine.completions.create(request), "invalid-argument", ...words);
    expect(backend.steps).toEqual([]);
  });

  test("text without a tokenizer", async () => {
    const { engine } = setUp({ tokenizer: "missing" });
    await expectFennecError(() => engine.completions.create({ prompt: "x" }), "tokenizer-missing");
    expect((await engine.completions.create({ prompt: [1], max_tokens: 2 })).choices[0]!.text).toBe("");
  });
});
