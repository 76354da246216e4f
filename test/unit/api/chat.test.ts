import { describe, expect, test } from "vitest";
import { type FennecEngine, withOpenAiSurface } from "../../../src/api/surface";
import type { ChatCompletionChunk, ChatParams } from "../../../src/api/types";
import { expectFennecError } from "../../support/expect_error";
import { type FakeEngineOptions, fakeEngine } from "../../support/fake_engine";

const HELLO: ChatParams = { messages: [{ role: "user", content: "Hello" }], temperature: 0 };

function setUp(options: FakeEngineOptions = { reply: "Hi 🙂" }) {
  const { engine, backend, ids } = fakeEngine(options);
  return { engine: withOpenAiSurface(engine), backend, ids };
}

async function streamed(engine: FennecEngine, params: ChatParams): Promise<ChatCompletionChunk[]> {
  const chunks: ChatCompletionChunk[] = [];
  for await (const chunk of await engine.chat.completions.create({ ...params, stream: true })) chunks.push(chunk);
  return chunks;
}

describe("one reply", () => {
  test("has OpenAI's shape", async () => {
    const { engine } = setUp();
    const { id, created, timings, ...rest } = await engine.chat.completions.create(HELLO);
    expect(id).toMatch(/^chatcmpl-[0-9a-f]{32}$/);
    expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60);
    expect(timings.prefilledRows).toBe(8);
    expect(rest).toEqual({
      object: "chat.completion",
      model: "fake",
      system_fingerprint: "fennec-reference-exact",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hi 🙂", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      // BOS, <|user|>, five bytes, <|assistant|>; "Hi", space, four bytes, end.
      usage: {
        prompt_tokens: 8,
        completion_tokens: 8,
        total_tokens: 16,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
  });

  test("max_tokens and max_completion_tokens end it with length", async () => {
    const { engine } = setUp();
    for (const limit of [
      { max_tokens: 2 },
      { max_completion_tokens: 2 },
      { max_tokens: 2, max_completion_tokens: 2 },
    ]) {
      const { choices, usage } = await engine.chat.completions.create({ ...HELLO, ...limit });
      expect(choices[0]).toMatchObject({ finish_reason: "length", message: { content: "Hi" } });
      expect(usage.completion_tokens).toBe(2);
    }
  });

  test("stop strings are not part of it", async () => {
    const { engine } = setUp({ reply: "one, two, three" });
    const { choices } = await engine.chat.completions.create({ ...HELLO, stop: [" three", ", two"] });
    expect(choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "one" } });
  });

  test("text parts are joined, developer is system, null is absent", async () => {
    const { engine, backend, ids } = setUp();
    await engine.chat.completions.create({
      messages: [
        { role: "developer", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "Hel" },
            { type: "text", text: "lo" },
          ],
        },
      ],
      temperature: 0,
      top_p: null,
      stop: null,
      seed: null,
      n: null,
      max_tokens: null,
      logit_bias: null,
      stream: null,
      stream_options: null,
    });
    const prompt = backend.rows.filter(({ token }) => token >= 0).map(({ token }) => token);
    expect(prompt).toEqual([1, ...ids("<|system|>Be brief.<|user|>Hello<|assistant|>")]);
  });

  test("n replies: the first is that of n = 1, the prompt counts once", async () => {
    const sampled = { ...HELLO, temperature: 1, seed: 9, max_tokens: 6 };
    const one = await setUp({}).engine.chat.completions.create(sampled);
    const three = await setUp({}).engine.chat.completions.create({ ...sampled, n: 3 });
    expect(three.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(three.choices[0]).toEqual(one.choices[0]);
    expect(three.usage).toMatchObject({ prompt_tokens: 8, completion_tokens: 18, total_tokens: 26 });
  });

  test("values of unsupported parameters that ask for nothing are accepted", async () => {
    const { engine } = setUp();
    const neutral = { logprobs: false, response_format: { type: "text" }, tools: [], user: "me", store: false };
    const { choices } = await engine.chat.completions.create({ ...HELLO, ...neutral });
    expect(choices[0]!.message.content).toBe("Hi 🙂");
  });
});

describe("a stream", () => {
  test("is chunk by chunk OpenAI's", async () => {
    const { engine } = setUp();
    const chunks = await streamed(engine, HELLO);
    const { id, created } = chunks[0]!;
    const head = {
      id,
      created,
      object: "chat.completion.chunk",
      model: "fake",
      system_fingerprint: "fennec-reference-exact",
    };
    const piece = (delta: object, finish_reason: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    });
    expect(chunks).toEqual([
      piece({ role: "assistant", content: "", refusal: null }),
      piece({ content: "H" }),
      piece({ content: "i" }),
      piece({ content: " " }),
      piece({ content: "🙂" }),
      { ...piece({}, "stop"), timings: expect.objectContaining({ prefilledRows: 8 }) },
    ]);
  });

  test("with include_usage: null in each chunk, then one without choices", async () => {
    const { engine } = setUp();
    const chunks = await streamed(engine, { ...HELLO, stream_options: { include_usage: true } });
    expect(chunks.slice(0, -1).map(({ usage }) => usage)).toEqual(chunks.slice(0, -1).map(() => null));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 8, completion_tokens: 8 } });
  });

  test("of several choices gives each its own role, text and end", async () => {
    const { engine } = setUp({});
    const params = { ...HELLO, temperature: 1, seed: 4, n: 2, max_tokens: 5 };
    const whole = await engine.chat.completions.create(params);
    const chunks = await streamed(engine, params);
    for (const index of [0, 1]) {
      const own = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(own[0]!.delta.role).toBe("assistant");
      expect(own.at(-1)!.finish_reason).toBe(whole.choices[index]!.finish_reason);
      expect(own.map(({ delta }) => delta.content ?? "").join("")).toBe(whole.choices[index]!.message.content);
    }
  });

  test("leaving the loop, the controller and the caller's signal all end it", async () => {
    const { engine, backend } = setUp({});
    const idle = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const steps = backend.steps.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(backend.steps.length).toBe(steps);
    };
    for await (const _ of await engine.chat.completions.create({ ...HELLO, stream: true })) break;
    await idle();

    const stream = await engine.chat.completions.create({ ...HELLO, stream: true });
    await expectFennecError(async () => {
      for await (const _ of stream) stream.controller.abort();
    }, "aborted");
    await idle();

    const caller = new AbortController();
    const other = await engine.chat.completions.create({ ...HELLO, stream: true }, { signal: caller.signal });
    await expectFennecError(async () => {
      for await (const _ of other) caller.abort();
    }, "aborted");
    await idle();
  });
});

test("an aborted signal rejects a reply that is not streamed", async () => {
  const { engine } = setUp({});
  const controller = new AbortController();
  const reply = engine.chat.completions.create(HELLO, { signal: controller.signal });
  await Promise.resolve(); // it runs, and is far from its end
  controller.abort();
  await expectFennecError(() => reply, "aborted");
});

describe("what is refused", () => {
  const user = { role: "user", content: "x" };
  const cases: { why: string; params: object; words: string[] }[] = [
    { why: "tools", params: { tools: [{ type: "function" }] }, words: ["tools", "not supported"] },
    { why: "JSON output", params: { response_format: { type: "json_object" } }, words: ["response_format"] },
    { why: "logprobs", params: { logprobs: true }, words: ["logprobs"] },
    { why: "reasoning effort", params: { reasoning_effort: "low" }, words: ["reasoning_effort"] },
    { why: "a misspelt parameter", params: { temprature: 0.5 }, words: ["temprature", "temperature"] },
    { why: "temperature above OpenAI's 2", params: { temperature: 2.5 }, words: ["temperature: got 2.5", "0 to 2"] },
    { why: "temperature as text", params: { temperature: "1" }, words: ['temperature: got "1"'] },
    { why: "top_p by its own name", params: { top_p: 3 }, words: ["top_p: got 3"] },
    { why: "frequency_penalty by its own name", params: { frequency_penalty: 3 }, words: ["frequency_penalty: got 3"] },
    { why: "logit_bias by its own name", params: { logit_bias: { x: 1 } }, words: ["logit_bias", '"x"'] },
    { why: "logit_bias as a list", params: { logit_bias: [1] }, words: ["logit_bias: got an array of 1"] },
    { why: "half a seed", params: { seed: 0.5 }, words: ["seed: got 0.5"] },
    { why: "no replies", params: { n: 0 }, words: ["n: got 0", "1 to 16"] },
    { why: "two limits", params: { max_tokens: 3, max_completion_tokens: 4 }, words: ["max_tokens: got 3", "4"] },
    { why: "a limit of nothing", params: { max_tokens: 0 }, words: ["max_tokens: got 0"] },
    {
      why: "stream_options without stream",
      params: { stream_options: { include_usage: true } },
      words: ["stream_options"],
    },
    { why: "stream as text", params: { stream: "yes" }, words: ['stream: got "yes"'] },
    { why: "17 stop strings", params: { stop: Array(17).fill("x") }, words: ["stop: got", "at most 16"] },
    { why: "no messages", params: { messages: [] }, words: ["messages: got an array of 0"] },
    { why: "messages as text", params: { messages: "hi" }, words: ["messages"] },
    {
      why: "a tool's message",
      params: { messages: [{ role: "tool", content: "x" }] },
      words: ["messages[0].role", "tool"],
    },
    {
      why: "an image",
      params: { messages: [user, { role: "user", content: [{ type: "image_url" }] }] },
      words: ["messages[1].content[0].type"],
    },
    {
      why: "no content",
      params: { messages: [{ role: "assistant", content: null }] },
      words: ["messages[0].content: got null"],
    },
    { why: "tool calls", params: { messages: [{ ...user, tool_calls: [{}] }] }, words: ["messages[0].tool_calls"] },
  ];

  test.each(cases)("$why", async ({ params, words }) => {
    const { engine, backend } = setUp();
    const request = { ...HELLO, ...params } as ChatParams;
    await expectFennecError(() => engine.chat.completions.create(request), "invalid-argument", ...words);
    expect(backend.steps).toEqual([]);
  });

  test("a file without a template: no-chat-template", async () => {
    const { engine } = setUp({ template: undefined });
    await expectFennecError(() => engine.chat.completions.create(HELLO), "no-chat-template");
  });

  test("a conversation longer than the context: context-full", async () => {
    const { engine } = setUp();
    const messages = [{ role: "user" as const, content: "x".repeat(400) }];
    await expectFennecError(() => engine.chat.completions.create({ messages }), "context-full", "403 tokens");
  });
});
