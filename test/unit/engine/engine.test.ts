// Text in, text out, over the fake backend: what a person gets, when, and at what cost.

import { getEventListeners } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { GenerateOptions } from "../../../src/engine/engine";
import type { GeneratedToken, Generation } from "../../../src/engine/generation";
import { expectFennecError } from "../../support/expect_error";
import { type FakeEngineOptions, fakeEngine, TOKEN } from "../../support/fake_engine";

/** A prompt after which the scripted reply begins. */
const PROMPT = [TOKEN.bos, TOKEN.assistant];

async function collect(generation: Generation): Promise<GeneratedToken[]> {
  const items: GeneratedToken[] = [];
  for await (const item of generation) items.push(item);
  return items;
}

async function say(reply: string, options: GenerateOptions = {}, fake: FakeEngineOptions = {}) {
  const { engine, backend } = fakeEngine({ reply, ...fake });
  const generation = engine.generate(PROMPT, { temperature: 0, ...options });
  const items = await collect(generation);
  return { items, pieces: items.map(({ text }) => text), result: await generation.result, backend, engine };
}

describe("text", () => {
  test("comes token by token and is the reply as a whole", async () => {
    const { pieces, result, items } = await say("Hello");
    expect(pieces).toEqual(["H", "e", "l", "l", "o", ""]);
    expect(items.at(-1)!.token).toBe(TOKEN.end);
    expect(result).toMatchObject({ text: "Hello", finishReason: "stop" });
  });

  test("never half a character: two, three and four bytes", async () => {
    const { pieces, result } = await say("é€🙂!");
    expect(pieces).toEqual(["", "é", "", "", "€", "", "", "", "🙂", "!", ""]);
    expect(result.text).toBe("é€🙂!");
  });

  test("a character cut off by the limit becomes one replacement character", async () => {
    const { pieces, result } = await say("a🙂", { maxTokens: 3 });
    expect(pieces).toEqual(["a", "", "�"]);
    expect(result).toMatchObject({ text: "a�", finishReason: "length" });
  });

  test("the model's end token has no text and counts", async () => {
    const { result } = await say("ab");
    expect(result.tokens).toHaveLength(3);
    expect(result.usage).toEqual({
      prompt_tokens: 2,
      completion_tokens: 3,
      total_tokens: 5,
      prompt_tokens_details: { cached_tokens: 0 },
    });
  });

  test("ignoreStopTokens goes on to the limit", async () => {
    const { result } = await say("ab", { ignoreStopTokens: true, maxTokens: 6 });
    expect(result.tokens.slice(2)).toEqual([TOKEN.end, TOKEN.end, TOKEN.end, TOKEN.end]);
    expect(result).toMatchObject({ text: "ab", finishReason: "length" });
  });
});

describe("stop strings", () => {
  const cases = [
    { why: "over token borders", stop: "END", text: "one END two", want: "one ", finish: "stop" },
    { why: "half of one at the end is text", stop: "END", text: "one EN", want: "one EN", finish: "stop" },
    { why: "half of one at the limit is text", stop: "END", text: "one EN", max: 6, want: "one EN", finish: "length" },
    { why: "complete at the limit", stop: "END", text: "one END", max: 7, want: "one ", finish: "stop" },
    { why: "inside one token", stop: "cd", text: "ab|abcdef|", pieces: ["|abcdef|"], want: "ab|ab", finish: "stop" },
    { why: "with a character of several bytes", stop: ["→x", "y"], text: "a→→x", want: "a→", finish: "stop" },
  ] as const;

  test.each(cases)("$why", async ({ text, want, finish, stop, ...rest }) => {
    const max = "max" in rest ? { maxTokens: rest.max } : {};
    const { pieces, result } = await say(text, { stop, ...max }, "pieces" in rest ? { pieces: rest.pieces } : {});
    expect(result).toMatchObject({ text: want, finishReason: finish });
    expect(pieces.join("")).toBe(want);
    for (const part of [stop].flat()) expect(pieces.join("")).not.toContain(part);
  });
});

describe("cost", () => {
  test("turn 2 of a conversation prefills its new tokens only", async () => {
    const { engine, backend } = fakeEngine({ reply: "Hi there." });
    const first = [{ role: "user", content: "Hello!" }];
    const one = await engine.generate(engine.encodePrompt(first), { temperature: 0 }).result;
    expect(one.text).toBe("Hi there.");
    const rowsOfOne = backend.promptRows;
    const second = [...first, { role: "assistant", content: one.text }, { role: "user", content: "And now?" }];
    const prompt = engine.encodePrompt(second);
    const two = await engine.generate(prompt, { temperature: 0 }).result;
    // Shared: BOS, <|user|>Hello!<|assistant|>Hi there. New: <|user|>And now?<|assistant|>
    const shared = 1 + 1 + 6 + 1 + 9;
    expect(backend.promptRows - rowsOfOne).toBe(prompt.length - shared);
    expect(two.timings.prefilledRows).toBe(prompt.length - shared);
    expect(two.usage.prompt_tokens_details.cached_tokens).toBe(shared);
  });

  test("an engine in a page follows whether it is hidden, until it is disposed", async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: "hidden" });
    vi.stubGlobal("document", page);
    const { engine } = fakeEngine({ reply: "Hi" });
    expect((await engine.generate(PROMPT, { temperature: 0 }).result).timings.throttled).toBe(true);
    page.visibilityState = "visible";
    page.dispatchEvent(new Event("visibilitychange"));
    expect((await engine.generate(PROMPT, { temperature: 0 }).result).timings.throttled).toBe(false);
    engine.dispose();
    page.visibilityState = "hidden";
    page.dispatchEvent(new Event("visibilitychange"));
    expect(engine.hidden).toBe(false);
    vi.unstubAllGlobals();
  });

  test("timings are those of the clock", async () => {
    let now = 0;
    const { engine } = fakeEngine({ reply: "abcdefgh", scheduler: { now: () => now }, onStep: () => (now += 10) });
    const { timings } = await engine.generate(PROMPT, { temperature: 0 }).result;
    expect(timings.timeToFirstTokenMs).toBe(20);
    expect(timings.prefillMs).toBe(20);
    expect(timings.prefilledRows).toBe(2);
    expect(timings.decodeTokensPerSecond).toBeGreaterThan(0);
  });

  test("several replies share one prompt; the first is the one that a single request gives", async () => {
    const { engine, backend } = fakeEngine();
    const prompt = engine.encodePrompt("A prompt of some length");
    const choices = engine.generateChoices(prompt, { seed: 5, maxTokens: 8 }, 3);
    const results = await Promise.all(choices.map(({ result }) => result));
    expect(backend.promptRows).toBe(prompt.length + 2);
    expect(new Set(results.map(({ tokens }) => tokens.join())).size).toBe(3);
    const alone = await fakeEngine().engine.generate(prompt, { seed: 5, maxTokens: 8 }).result;
    expect(results[0]!.tokens).toEqual(alone.tokens);
  });
});

describe("seeds", () => {
  const draw = async (options: GenerateOptions) =>
    (await fakeEngine().engine.generate([1, 2, 3], { maxTokens: 12, ...options }).result).tokens.join();

  test("equal seeds give equal replies, others do not", async () => {
    expect(await draw({ seed: 42 })).toBe(await draw({ seed: 42 }));
    expect(await draw({ seed: 42 })).toBe(await draw({ seed: 42n }));
    expect(await draw({ seed: 42 })).not.toBe(await draw({ seed: 43 }));
    expect(await draw({})).not.toBe(await draw({}));
  });

  test("several replies to neighbouring seeds are all different", async () => {
    const { engine } = fakeEngine();
    const replies = [1, 2, 3].flatMap((seed) => engine.generateChoices([1, 2, 3], { seed, maxTokens: 12 }, 3));
    const drawn = await Promise.all(replies.map(async ({ result }) => (await result).tokens.join()));
    expect(new Set(drawn).size).toBe(9);
    expect(drawn[3]).toBe(await draw({ seed: 2 }));
  });

  test("temperature 0 needs none", async () => {
    expect(await draw({ temperature: 0 })).toBe(await draw({ temperature: 0 }));
  });
});

describe("leaving", () => {
  test("an aborted signal ends the iteration and the result with code aborted; the engine stays usable", async () => {
    const { engine } = fakeEngine();
    const controller = new AbortController();
    const generation = engine.generate([1, 2], { signal: controller.signal, temperature: 0 });
    let seen = 0;
    await expectFennecError(async () => {
      for await (const _ of generation) if (++seen === 3) controller.abort("enough");
    }, "aborted");
    await expectFennecError(() => generation.result, "aborted");
    expect((await engine.generate([1, 2], { maxTokens: 4, temperature: 0 }).result).tokens).toHaveLength(4);
  });

  test("an abort by a timer arrives though every result is ready at once", async () => {
    const { engine } = fakeEngine({ limits: { context: 4000 }, pages: [1000] });
    const signal = AbortSignal.timeout(1);
    const generation = engine.generate([1, 2], { signal, temperature: 0, ignoreStopTokens: true });
    await expectFennecError(() => generation.result, "aborted");
  });

  test("a finished reply lets go of its signal", async () => {
    const { signal } = new AbortController();
    const { engine } = fakeEngine();
    await engine.generate([1, 2], { signal, maxTokens: 3 }).result;
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("a signal that was aborted before is honoured", async () => {
    const { engine, backend } = fakeEngine();
    const generation = engine.generate([1, 2], { signal: AbortSignal.abort() });
    await expectFennecError(() => generation.result, "aborted");
    expect(backend.steps).toEqual([]);
  });

  test("leaving the loop early ends the reply on the device", async () => {
    const { engine, backend } = fakeEngine();
    const generation = engine.generate([1, 2], { temperature: 0 });
    for await (const _ of generation) break;
    await expectFennecError(() => generation.result, "aborted");
    const steps = backend.steps.length;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(backend.steps.length).toBe(steps);
  });

  test("dispose while generating ends it with code disposed; everything after that says disposed", async () => {
    const { engine, backend } = fakeEngine();
    const generation = engine.generate([1, 2], { temperature: 0 });
    await expectFennecError(async () => {
      for await (const _ of generation) engine.dispose();
    }, "disposed");
    engine.dispose();
    expect(backend.disposed).toBe(true);
    await expectFennecError(async () => engine.generate([1]), "disposed");
    await expectFennecError(() => engine.logits([1]), "disposed");
  });
});

describe("lost", () => {
  test("tells of a lost device, also after dispose", async () => {
    const { engine, backend } = fakeEngine();
    backend.lose("unplugged");
    expect(await engine.lost).toMatchObject({ code: "device-lost", message: "unplugged" });
    engine.dispose();
    expect(await engine.lost).toMatchObject({ message: "unplugged" });
  });

  test("is silent about the device that dispose gives back", async () => {
    const { engine, backend } = fakeEngine();
    let told = false;
    void engine.lost.then(() => (told = true));
    engine.dispose();
    backend.lose("destroyed");
    await backend.lost;
    await new Promise((resolve) => setTimeout(resolve));
    expect(told).toBe(false);
  });
});

describe("what is refused", () => {
  const cases: {
    why: string;
    prompt: string | number[];
    options: GenerateOptions;
    code: "invalid-argument" | "context-full";
    words: string[];
  }[] = [
    { why: "an empty prompt", prompt: [], options: {}, code: "invalid-argument", words: ["prompt", "at least one"] },
    {
      why: "an id past the vocabulary",
      prompt: [1, 9999],
      options: {},
      code: "invalid-argument",
      words: ["prompt[1]", "9999", "262"],
    },
    {
      why: "no room for a reply",
      prompt: Array(256).fill(7),
      options: {},
      code: "context-full",
      words: ["256 tokens", "context"],
    },
    {
      why: "temperature",
      prompt: [1],
      options: { temperature: -1 },
      code: "invalid-argument",
      words: ["temperature: got -1", "0 to 100"],
    },
    { why: "top-p of nothing", prompt: [1], options: { topP: 0 }, code: "invalid-argument", words: ["topP: got 0"] },
    {
      why: "half a token",
      prompt: [1],
      options: { maxTokens: 1.5 },
      code: "invalid-argument",
      words: ["maxTokens: got 1.5"],
    },
    {
      why: "a bias on no token",
      prompt: [1],
      options: { logitBias: { "5000": 1 } },
      code: "invalid-argument",
      words: ["logitBias", "5000"],
    },
    {
      why: "too large a bias",
      prompt: [1],
      options: { logitBias: { "5": 101 } },
      code: "invalid-argument",
      words: ["logitBias[5]: got 101"],
    },
    { why: "NaN", prompt: [1], options: { minP: Number.NaN }, code: "invalid-argument", words: ["minP: got NaN"] },
    {
      why: "an option as another interface spells it",
      prompt: [1],
      options: { ...JSON.parse('{"max_tokens":3}') },
      code: "invalid-argument",
      words: ["options.max_tokens", "did you mean maxTokens?"],
    },
    {
      why: "an empty stop string",
      prompt: [1],
      options: { stop: ["a", ""] },
      code: "invalid-argument",
      words: ["stop"],
    },
  ];

  test.each(cases)("$why", async ({ prompt, options, code, words }) => {
    const { engine, backend } = fakeEngine();
    await expectFennecError(async () => engine.generate(prompt, options), code, ...words);
    expect(backend.steps).toEqual([]);
  });

  test("without a tokenizer ids work, text in or stop strings do not", async () => {
    const { engine } = fakeEngine({ tokenizer: "missing" });
    const { text, tokens } = await engine.generate([1, 2], { maxTokens: 3, temperature: 0 }).result;
    expect([text, tokens.length]).toEqual(["", 3]);
    await expectFennecError(async () => engine.generate("text"), "tokenizer-missing");
    await expectFennecError(async () => engine.generate([1], { stop: "x" }), "tokenizer-missing");
    await expectFennecError(async () => engine.countTokens("text"), "tokenizer-missing");
  });
});

describe("sampling defaults", () => {
  test("the file's recommendation stands in for what the caller leaves out", async () => {
    const { engine, backend } = fakeEngine({ sampling: { temperature: 0 } });
    const { tokens } = await engine.generate([1, 2], { maxTokens: 5 }).result;
    expect(tokens).toEqual(backend.expectedReply([1, 2], 5));
  });
});

describe("logits", () => {
  const prompt = Array.from({ length: 23 }, (_, i) => 10 + i);

  test.each([
    { why: "one chunk", options: {} },
    { why: "chunks of 7", options: { chunk: 7 } },
    { why: "token by token", options: { chunk: 1 } },
  ])("of the last token: $why", async ({ options }) => {
    const { engine, backend } = fakeEngine();
    expect(await engine.logits(prompt, options)).toEqual(backend.expectedLogits(prompt));
  });

  test.each([
    { why: "as many rows as outputs", options: { all: true }, steps: [8, 8, 7] },
    { why: "chunks above the outputs run again", options: { all: true, chunk: 16 }, steps: [16, 16, 7] },
    { why: "chunks above the rows are as many as the rows", options: { all: true, chunk: 99 }, steps: [16, 16, 7] },
    { why: "token by token", options: { all: true, chunk: 1 }, steps: Array(23).fill(1) },
  ])("of all tokens: $why", async ({ options, steps }) => {
    const { engine, backend } = fakeEngine();
    const logits = await engine.logits(prompt, options);
    const vocab = engine.model.vocab;
    for (const i of prompt.keys()) {
      const row = logits.slice(i * vocab, (i + 1) * vocab);
      expect(row).toEqual(backend.expectedLogits(prompt.slice(0, i + 1)));
    }
    expect(logits).toHaveLength(23 * vocab);
    expect(backend.steps).toEqual(steps);
  });

  test("while another request holds the only slot: waits for it, and gives it back", async () => {
    const { engine, backend } = fakeEngine({ limits: { slots: 1, context: 256 } });
    const first = engine.generate([1, 2], { maxTokens: 10, temperature: 0, ignoreStopTokens: true });
    await first[Symbol.asyncIterator]().next();
    const logits = engine.logits([5, 6]);
    const second = engine.generate([3], { maxTokens: 4, temperature: 0, ignoreStopTokens: true });
    expect(await logits).toEqual(backend.expectedLogits([5, 6]));
    expect((await first.result).tokens).toEqual(backend.expectedReply([1, 2], 10));
    expect((await second.result).tokens).toEqual(backend.expectedReply([3], 4));
  });

  test("gets the next free slot, before requests that came earlier", async () => {
    const { engine, backend } = fakeEngine({ limits: { slots: 1, context: 256 } });
    const options = { maxTokens: 5, temperature: 0, ignoreStopTokens: true };
    const order: string[] = [];
    const more = engine.generate([1], options);
    await more[Symbol.asyncIterator]().next();
    const waiting = engine.generate([2], options).result.then(() => order.push("waiting"));
    const logits = engine.logits([5, 6]).then((values) => {
      order.push("logits");
      return values;
    });
    await waiting;
    expect(await logits).toEqual(backend.expectedLogits([5, 6]));
    expect(order).toEqual(["logits", "waiting"]);
  });

  test("waiting for a slot when the engine is disposed ends with code disposed", async () => {
    const { engine } = fakeEngine({ limits: { slots: 1, context: 256 } });
    const running = engine.generate([1], { temperature: 0, ignoreStopTokens: true });
    running.result.catch(() => undefined);
    await running[Symbol.asyncIterator]().next();
    const both = [engine.logits([5]), engine.logits([6])].map((logits) => expectFennecError(() => logits, "disposed"));
    engine.dispose();
    await Promise.all(both);
  });

  test("refuses what cannot be", async () => {
    const { engine } = fakeEngine();
    await expectFennecError(() => engine.logits([]), "invalid-argument", "tokens");
    await expectFennecError(() => engine.logits([1], { chunk: 0 }), "invalid-argument", "chunk: got 0");
    await expectFennecError(() => engine.logits(Array(300).fill(1)), "context-full", "300");
    await expectFennecError(() => engine.logits([1], { signal: AbortSignal.abort() }), "aborted");
  });
});
