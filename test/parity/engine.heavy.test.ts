// The whole engine on a GPU: what people get from `load`, and what it costs while it runs.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { FennecEngine } from "../../src/api/surface";
import { load } from "../../src/load";
import { readFixture, readFixtureText } from "../support/files";
import { testGpu } from "../support/gpu";
import { countersSince } from "../support/webgpu";

// gemma3 has layers with a window beside global ones: two cache groups.
const MODEL = "nano/gemma3-nano-F16";

let engine: FennecEngine;
let fixture: { readonly prompt: number[]; readonly greedy: number[] };

async function open(options: Parameters<typeof load>[1]): Promise<FennecEngine> {
  return load(await readFixture(`${MODEL}.gguf`), { precision: "exact", context: 512, ...options });
}

beforeAll(async () => {
  fixture = JSON.parse(await readFixtureText(`${MODEL}.json`));
  engine = await open({ gpu: await testGpu() });
});
afterAll(() => engine.dispose());

const greedily = (maxTokens: number) => ({ maxTokens, temperature: 0, ignoreStopTokens: true });

test("greedy tokens are the fixture's; once it runs a token costs one submit and nothing is made or written", async () => {
  const { prompt, greedy } = fixture;
  const { tokens } = await engine.generate(prompt, greedily(greedy.length)).result;
  expect(tokens).toEqual(greedy);

  const before = { ...engine.backend.counters };
  const { timings } = await engine.generate(prompt, greedily(64)).result;
  const counted = countersSince(before, engine.backend.counters);
  expect(timings.prefilledRows).toBe(1); // the prompt's last token; the rest is in the prefix index
  expect(counted).toMatchObject({
    submits: 64,
    passes: 64,
    bindGroups: 0,
    buffers: 0,
    otherWrites: 0,
    slotWrites: 1,
    batchWrites: 2, // the prompt's row, then the decode row
    bytesRead: 8 * 64,
  });
});

test("sequences that join and leave a batch get the tokens that they get alone", async () => {
  const starts = [0, 60, 80, 95];
  const alone: (readonly number[])[] = [];
  for (const [i, start] of starts.entries())
    alone.push((await engine.generate(fixture.prompt.slice(start), greedily(6 + 5 * i)).result).tokens);
  const together = starts.map((start, i) => engine.generate(fixture.prompt.slice(start), greedily(6 + 5 * i)).result);
  expect((await Promise.all(together)).map(({ tokens }) => tokens)).toEqual(alone);
});

test("turn 2 of a conversation computes its new tokens only", async () => {
  const first = fixture.prompt.slice(50);
  const { tokens } = await engine.generate(first, greedily(10)).result;
  const second = [...first, ...tokens, 300, 301];
  const { timings } = await engine.generate(second, greedily(3)).result;
  expect(timings.prefilledRows).toBe(1 + 2); // the last token of turn 1 was never fed
});

test("a seed gives the tokens that it gives on the reference backend", async () => {
  const prompt = fixture.prompt.slice(0, 24);
  const sampled = { maxTokens: 12, temperature: 1, topP: 0.95, frequencyPenalty: 0.5, seed: 5, ignoreStopTokens: true };
  const reference = await open({ backend: "reference" });
  const { tokens } = await engine.generate(prompt, sampled).result;
  expect(tokens).toEqual((await reference.generate(prompt, sampled).result).tokens);
  reference.dispose();
});

test("a slot that is given on while steps of its last owner wait for a pipeline answers the new owner only", async () => {
  const single = await open({ gpu: await testGpu(), slots: 1 });
  const chunk = single.backend.limits.rows;
  const long = Array.from({ length: chunk + 5 }, (_, i) => fixture.prompt[i % fixture.prompt.length]!);
  const controller = new AbortController();
  // Its second chunk has a number of rows that nothing was compiled for yet.
  const first = single.generate(long, { ...greedily(5), signal: controller.signal });
  await Promise.resolve();
  await Promise.resolve();
  controller.abort();
  const prompt = fixture.prompt.slice(20, 23);
  const { tokens } = await single.generate(prompt, greedily(5)).result;
  await expect(first.result).rejects.toMatchObject({ code: "aborted" });
  expect(tokens).toEqual((await single.generate(prompt, greedily(5)).result).tokens);
  single.dispose();
});
