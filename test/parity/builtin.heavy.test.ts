// The built-in model end to end: `load` without options, its own chat template, greedy, against the ids that llama.cpp
// and the float64 oracle give.

import { expect, test } from "vitest";
import { load } from "../../src/load";
import { readFixture, readFixtureText } from "../support/files";
import { testGpu } from "../support/gpu";

interface GreedyCases {
  readonly model: string;
  readonly cases: readonly { readonly prompt: readonly number[]; readonly greedy: readonly number[] }[];
}

test("greedy ids of five prompts, and a chat that ends by itself", async () => {
  const { model, cases } = JSON.parse(await readFixtureText("builtin/greedy.json")) as GreedyCases;
  const engine = await load(await readFixture(`builtin/${model}`), {
    gpu: await testGpu(),
    precision: "exact",
    slots: 2,
  });
  expect(cases.length).toBe(5);
  for (const { prompt, greedy } of cases) {
    // The oracle goes on past the end of the reply; the engine ends there.
    const end = greedy.findIndex((id) => engine.tokenizer.stopIds.has(id));
    const want = end < 0 ? greedy : greedy.slice(0, end);
    const { tokens } = await engine.generate([...prompt], { maxTokens: greedy.length, temperature: 0 }).result;
    expect(tokens.slice(0, want.length)).toEqual(want);
  }
  const reply = await engine.chat.completions.create({
    messages: [{ role: "user", content: "Tell me a story about a fox who lost a lantern." }],
    temperature: 0,
    max_tokens: 400,
  });
  const [choice] = reply.choices;
  expect(choice!.finish_reason).toBe("stop");
  expect(choice!.message.content).toMatch(/fox/);
  expect(choice!.message.content).toMatch(/lantern/);
  engine.dispose();
});
