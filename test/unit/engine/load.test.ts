// From a file to replies, on the reference backend and the nano models: the whole engine, without a GPU.

import { describe, expect, test } from "vitest";
import { FennecError } from "../../../src/errors";
import { type LoadOptions, load } from "../../../src/load";
import { expectFennecError } from "../../support/expect_error";
import { readFixture, readFixtureText } from "../../support/files";

const REFERENCE: LoadOptions = { backend: "reference" };

async function nano(name: string, options: LoadOptions = {}) {
  const { prompt, greedy, bound, vocab }: { prompt: number[]; greedy: number[]; bound: number; vocab: number } =
    JSON.parse(await readFixtureText(`nano/${name}.json`));
  const engine = await load(await readFixture(`nano/${name}.gguf`), { ...REFERENCE, ...options });
  return { engine, prompt, greedy, bound, vocab };
}

/** `[rows, vocab]` of the fixture. */
async function expectedLogits(name: string): Promise<Float32Array> {
  return new Float32Array((await readFixture(`nano/${name}.f32`)).buffer);
}

/** Normalized mean squared error of `got` against `want`. */
function nmse(got: Float32Array, want: Float32Array): number {
  let error = 0;
  let norm = 0;
  for (let i = 0; i < want.length; i++) {
    error += (got[i]! - want[i]!) ** 2;
    norm += want[i]! ** 2;
  }
  return error / norm;
}

// gemma3 has window layers beside a global one: two cache groups.
describe.each(["llama-nano-F32", "gemma3-nano-F16"])("%s", (name) => {
  test("greedy tokens are the fixture's, alone and as one of four in a batch", async () => {
    const { engine, prompt, greedy } = await nano(name);
    const options = { maxTokens: greedy.length, temperature: 0, ignoreStopTokens: true };
    const starts = [0, 97, 100, 104];
    const alone: (readonly number[])[] = [];
    for (const start of starts) alone.push((await engine.generate(prompt.slice(start), options).result).tokens);
    expect(alone[0]).toEqual(greedy);
    engine.dispose();

    const { engine: shared } = await nano(name);
    const together = starts.map((start) => shared.generate(prompt.slice(start), options).result);
    expect((await Promise.all(together)).map(({ tokens }) => tokens)).toEqual(alone);
    shared.dispose();
  });

  test("logits are the fixture's in any chunking", async () => {
    const { engine, prompt, bound, vocab } = await nano(name);
    const want = await expectedLogits(name);
    const some = prompt.slice(0, 40);
    const all = await engine.logits(some, { all: true, chunk: 7 });
    expect(nmse(all, want.slice(0, 40 * vocab))).toBeLessThan(bound);
    const last = await engine.logits(some);
    expect(nmse(last, want.slice(39 * vocab, 40 * vocab))).toBeLessThan(bound);
    engine.dispose();
  });

  test("turn 2 goes on from turn 1: only new rows, and the same tokens as from nothing", async () => {
    const { engine, prompt: all } = await nano(name);
    const prompt = all.slice(0, 39);
    const options = { maxTokens: 9, temperature: 0, ignoreStopTokens: true };
    const first = await engine.generate(prompt, options).result;
    const second = [...prompt, ...first.tokens, 300, 301, 302];
    const next = await engine.generate(second, options).result;
    // The last token of turn 1 was never fed.
    expect(next.timings.prefilledRows).toBe(1 + 3);
    const { engine: fresh } = await nano(name);
    const again = await fresh.generate(second, options).result;
    expect(again.timings.prefilledRows).toBe(second.length);
    expect(next.tokens).toEqual(again.tokens);
    engine.dispose();
    fresh.dispose();
  });
});

test("text goes through the file's tokenizer, with what the file recommends", async () => {
  const { engine } = await nano("llama-nano-F32");
  expect(engine.model).toMatchObject({ name: "bytes in memory", architecture: "llama", vocab: 512 });
  const { usage, text } = await engine.generate("Once upon a time", { maxTokens: 8, temperature: 0 }).result;
  expect(usage.prompt_tokens).toBe(engine.countTokens("Once upon a time"));
  expect(text.length).toBeGreaterThan(0);
  engine.dispose();
});

describe("sources that are none", () => {
  const wrong: { why: string; source: unknown; words: string[] }[] = [
    { why: "undefined", source: undefined, words: ["source: got undefined", "File, Blob, ArrayBuffer"] },
    { why: "null: an input without a file", source: null, words: ["source: got null", "URL"] },
    { why: "a number", source: 42, words: ["source: got 42"] },
    { why: "an empty object", source: {}, words: ["source: got an object", "ByteSource"] },
    { why: "an empty string", source: "", words: ['source: got ""'] },
    { why: "an array of other things", source: [null], words: ["source: got an array of 1", "File[]"] },
    { why: "a URL of another scheme", source: "ftp://host/model.gguf", words: ['"ftp:" URLs', "https:"] },
    { why: "such a URL of a folder", source: "s3://bucket/folder", words: ['"s3://bucket/folder": "s3:" URLs'] },
    { why: "such a URL object", source: new URL("ftp://host/model"), words: ['"ftp:" URLs'] },
  ];
  test.each(wrong)("$why", async ({ source, words }) => {
    // As from a program without types.
    await expectFennecError(() => load(source as string, REFERENCE), "invalid-argument", ...words);
  });

  test("no options object", async () => {
    const none: unknown = null;
    await expectFennecError(
      () => load(new Uint8Array(4), none as LoadOptions),
      "invalid-argument",
      "options: got null",
    );
  });
});

describe("options", () => {
  test("context is the model's at most, and prompts beyond it are refused", async () => {
    const { engine, prompt } = await nano("llama-nano-F32", { context: 50 });
    expect(engine.context).toBe(50);
    await expectFennecError(async () => engine.generate(prompt), "context-full", "111 tokens", "50");
    engine.dispose();
  });

  test("progress tells the phases in order", async () => {
    const phases: string[] = [];
    const { engine } = await nano("llama-nano-F32", { onProgress: ({ phase }) => phases.push(phase) });
    expect(phases[0]).toBe("header");
    expect(phases.indexOf("ready")).toBe(phases.length - 1);
    engine.dispose();
  });

  const wrong: { why: string; options: object; words: string[] }[] = [
    { why: "an unknown backend", options: { backend: "cuda" }, words: ['backend: got "cuda"', "webgpu"] },
    { why: "an unknown precision", options: { precision: "half" }, words: ["precision", "exact"] },
    { why: "no slots", options: { slots: 0 }, words: ["slots: got 0"] },
    {
      why: "an option misspelt",
      options: { kv_tokens: 9 },
      words: ["options.kv_tokens: there is no such option", "did you mean kvTokens?"],
    },
    { why: "an option far from any", options: { telemetry: 1 }, words: ["options.telemetry", "Known: backend, "] },
    { why: "no threads", options: { onnx: { threads: 0 } }, words: ["onnx.threads: got 0"] },
    {
      why: "an unknown form",
      options: { onnx: { weights: "int3" } },
      words: ['onnx.weights: got "int3"', "int8-dynamic"],
    },
    {
      why: "an option of onnx misspelt",
      options: { onnx: { thread: 2 } },
      words: ["onnx.thread", "did you mean threads?"],
    },
    { why: "half a context", options: { context: 10.5 }, words: ["context: got 10.5"] },
  ];
  test.each(wrong)("$why", async ({ options, words }) => {
    await expectFennecError(() => nano("llama-nano-F32", options), "invalid-argument", ...words);
  });

  test("onnx gives the fixture's greedy tokens, and is exact whatever is asked", async () => {
    const { engine, prompt, greedy } = await nano("llama-nano-F32", { backend: "onnx", precision: "fast" });
    expect(engine.backend).toMatchObject({ kind: "onnx", precision: "exact", kv: "f32" });
    expect(engine.backend.reason).toBeUndefined();
    const options = { maxTokens: greedy.length, temperature: 0, ignoreStopTokens: true };
    expect((await engine.generate(prompt, options).result).tokens).toEqual(greedy);
    engine.dispose();
  });

  test("onnx with the options for it", async () => {
    const onnx = { threads: 2, weights: "int8-dynamic" } as const;
    const { engine, prompt } = await nano("llama-nano-F32", { backend: "onnx", onnx });
    expect(engine.backend.adapter).toMatch(/threads: 2, .*int8-dynamic \(not exact\)/);
    expect((await engine.generate(prompt, { maxTokens: 3, ignoreStopTokens: true }).result).tokens).toHaveLength(3);
    engine.dispose();
  });

  test("no WebGPU: the reason and what to do", async () => {
    await expectFennecError(() => nano("llama-nano-F32", { backend: "webgpu" }), "webgpu-missing", "WebGPU");
  });

  const noAdapter = { requestAdapter: async () => null } as unknown as GPU;
  test.each([
    ["no WebGPU", {}, /no WebGPU/],
    ["a WebGPU without an adapter", { gpu: noAdapter }, /adapter/],
  ])("auto with %s runs on onnx and says why", async (_, options, reason) => {
    const { engine, prompt, greedy } = await nano("llama-nano-F32", { backend: "auto", ...options });
    expect(engine.backend).toMatchObject({ kind: "onnx", reason: expect.stringMatching(reason) });
    const { tokens } = await engine.generate(prompt, { maxTokens: 4, temperature: 0 }).result;
    expect(tokens).toEqual(greedy.slice(0, 4));
    engine.dispose();
  });

  test("auto with a fault of the file gives that fault", async () => {
    const broken = new FennecError("tensor-not-finite", "a test");
    const gpu = { requestAdapter: () => Promise.reject(broken) } as unknown as GPU;
    await expectFennecError(() => nano("llama-nano-F32", { backend: "auto", gpu }), "tensor-not-finite", "a test");
  });
});

describe("faults", () => {
  test("an aborted signal, before and while loading", async () => {
    await expectFennecError(() => nano("llama-nano-F32", { signal: AbortSignal.abort() }), "aborted");
    const controller = new AbortController();
    const loading = nano("llama-nano-F32", { signal: controller.signal, onProgress: () => controller.abort() });
    await expectFennecError(() => loading, "aborted");
  });

  test("bytes that are no model", async () => {
    await expectFennecError(() => load(new Uint8Array(100), REFERENCE), "file-corrupt");
    await expectFennecError(() => load(new Uint8Array(2), REFERENCE), "file-truncated");
  });

  test("an architecture that this version does not run is named", async () => {
    await expectFennecError(() => nano("olmo2-nano-F16"), "file-unsupported", "olmo2");
  });

  test("after a fault the file is closed", async () => {
    const file = await readFixture("nano/olmo2-nano-F16.gguf");
    let disposed = 0;
    const source = {
      name: "olmo2.gguf",
      size: file.length,
      identity: "test",
      read: async (offset: number, length: number) => file.slice(offset, offset + length),
      async *stream(offset: number, length: number) {
        yield file.slice(offset, offset + length);
      },
      dispose: () => {
        disposed += 1;
      },
    };
    await expectFennecError(() => load(source, REFERENCE), "file-unsupported");
    expect(disposed).toBe(1);
  });
});
