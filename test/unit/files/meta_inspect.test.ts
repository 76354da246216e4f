// Typed access to metadata, and what a file says about itself.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { inspectFile } from "../../../src/files/inspect";
import { memorySource } from "../../../src/files/memory_source";
import { type Meta, metaOf } from "../../../src/files/meta";
import { openWeights } from "../../../src/files/open";
import type { WeightsFile } from "../../../src/files/weights_file";
import { expectFennecError } from "../../support/expect_error";
import { type GgufFile, gguf, ggufBytes } from "../../support/gguf_writer";
import { randomModel } from "../../support/random_model";

const open = (file: GgufFile): Promise<WeightsFile> => openWeights(memorySource(ggufBytes(file), "m.gguf"));

describe("meta", async () => {
  const model = randomModel();
  const file = await open({
    ...model,
    metadata: {
      ...model.metadata,
      int: gguf.u32(5),
      negative: gguf.i32(-1),
      half: gguf.f32(0.5),
      "whole float": gguf.f32(2),
      huge: gguf.u64(2n ** 63n),
      infinite: gguf.f32(Number.POSITIVE_INFINITY),
      yes: gguf.bool(true),
      text: gguf.string("x"),
      "per layer": gguf.array("uint32", [1, 0, 3]),
      flags: gguf.array("bool", [true, false, true]),
      halves: gguf.array("float32", [0.5, 1, 1]),
    },
  });
  const meta = metaOf(file);

  test("reads values of the right type", () => {
    expect(meta.architecture).toBe("llama");
    expect(meta.int("int")).toBe(5);
    expect(meta.int("whole float")).toBe(2);
    expect(meta.float("half")).toBe(0.5);
    expect(meta.float("int")).toBe(5);
    expect(meta.bool("yes")).toBe(true);
    expect(meta.string("text")).toBe("x");
    expect(meta.ints("per layer", 3)).toEqual([1, 0, 3]);
    expect(meta.ints("int", 2)).toEqual([5, 5]);
    expect(meta.ints("flags", 3)).toEqual([1, 0, 1]);
    expect(meta.has("int")).toBe(true);
    expect(meta.has("no")).toBe(false);
    expect(meta.rows("token_embd.weight")).toBe(320);
    expect(meta.hasTensor("output.weight")).toBe(true);
    expect(meta.hasTensor("no")).toBe(false);
  });

  test("takes defaults for what is missing, false and zero and empty included", () => {
    expect(meta.int("no", 0)).toBe(0);
    expect(meta.float("no", 0.25)).toBe(0.25);
    expect(meta.bool("no", false)).toBe(false);
    expect(meta.string("no", "")).toBe("");
    expect(meta.ints("no", 2, 0)).toEqual([0, 0]);
  });

  const missing: readonly (readonly [string, (m: Meta) => unknown])[] = [
    ["int", (m) => m.int("no")],
    ["float", (m) => m.float("no")],
    ["bool", (m) => m.bool("no")],
    ["string", (m) => m.string("no")],
    ["ints", (m) => m.ints("no", 3)],
  ];
  test.each(missing)("%s without the key", async (_name, get) => {
    await expectFennecError(async () => get(meta), "metadata-missing", "m.gguf", '"no"');
  });

  const wrong: readonly (readonly [string, (m: Meta) => unknown, string])[] = [
    ["int of a fraction", (m) => m.int("half"), "0.5"],
    ["int of a negative", (m) => m.int("negative"), "-1"],
    ["int of 2^63", (m) => m.int("huge"), "9223372036854775808"],
    ["int of text", (m) => m.int("text"), 'the string "x"'],
    ["float of infinity", (m) => m.float("infinite"), "Infinity"],
    ["bool of a number", (m) => m.bool("int"), "5"],
    ["string of a number", (m) => m.string("int"), "5"],
    ["ints of another length", (m) => m.ints("per layer", 4), "an array of 3"],
    ["ints of fractions", (m) => m.ints("halves", 3), "an array of 3"],
    ["a default does not hide a wrong type", (m) => m.int("text", 1), "the string"],
  ];
  test.each(wrong)("%s", async (_name, get, word) => {
    await expectFennecError(async () => get(meta), "metadata-type", "m.gguf", word);
  });

  test("a tensor that is not there", async () => {
    await expectFennecError(async () => meta.rows("no.weight"), "tensor-missing", '"no.weight"');
  });

  test("a file without an architecture", async () => {
    const nameless = await open({ metadata: {}, tensors: [] });
    await expectFennecError(async () => metaOf(nameless), "metadata-missing", "general.architecture");
  });
});

describe("inspect", () => {
  const supported = { architectures: new Set(["llama", "gemma3"]), types: new Set(["F32", "F16", "Q8_0"]) };
  const nano = (name: string) =>
    openWeights(memorySource(readFileSync(new URL(`../../fixtures/nano/${name}.gguf`, import.meta.url)), name));

  test("a model that runs", async () => {
    const file = await nano("gemma3-nano-F16");
    const seen = inspectFile(file, supported);
    expect(seen).toMatchObject({
      file: "gemma3-nano-F16",
      format: "gguf",
      bytes: 2230816,
      architecture: "gemma3",
      layers: 7,
      dim: 128,
      vocab: 512,
      tokenizer: { kind: "llama", tokens: 512 },
      hasChatTemplate: false,
      runs: true,
      problems: [],
    });
    expect(seen.types.map(({ type }) => type)).toEqual(["F16", "F32"]);
    expect(seen.types.reduce((sum, { tensors }) => sum + tensors, 0)).toBe(file.tensors.size);
    expect(seen.memory.kvBytesPerTokenF32).toBe(7 * 1 * (64 + 64) * 4);
    expect(seen.memory.kvBytesPerTokenF16).toBe(7 * 1 * (64 + 64) * 2);
    expect(seen.parameters).toBeGreaterThan(1_000_000);
    expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
  });

  test("an architecture and a weight type that do not run are named", async () => {
    const seen = inspectFile(await open(randomModel({ architecture: "qwen3", type: "Q4_0" })), supported);
    expect(seen.runs).toBe(false);
    expect(seen.problems).toHaveLength(2);
    expect(seen.problems[0]).toContain('"qwen3"');
    expect(seen.problems[1]).toContain("Q4_0");
    expect(seen.types.find(({ type }) => type === "Q4_0")).toMatchObject({ supported: false, tensors: 16 });
  });

  test("heads per layer, and no keys for their width", async () => {
    const model = randomModel();
    const { "llama.attention.key_length": _key, "llama.attention.value_length": _value, ...metadata } = model.metadata;
    const heads = gguf.array("uint32", [0, 2]);
    const seen = inspectFile(
      await open({ ...model, metadata: { ...metadata, "llama.attention.head_count_kv": heads } }),
      supported,
    );
    expect(seen.memory.kvBytesPerTokenF32).toBe(2 * (16 + 16) * 4);
  });

  test.each([
    ["nothing at all", {}],
    ["only wrong types", { "general.architecture": gguf.u32(1), "tokenizer.ggml.model": gguf.bool(true) }],
    [
      "a hostile layer count",
      { "general.architecture": gguf.string("llama"), "llama.block_count": gguf.u64(2n ** 53n - 1n) },
    ],
  ])("never fails: %s", async (_name, metadata) => {
    const seen = inspectFile(await open({ metadata, tensors: [] }), supported);
    expect(seen.runs).toBe(false);
    expect(seen.parameters).toBe(0);
    expect(seen.problems.at(-1)).toContain("no weights");
  });

  test("licence, name, template and pre-tokenizer", async () => {
    const model = randomModel({ tokenizer: "spm" });
    const seen = inspectFile(
      await open({
        ...model,
        metadata: {
          ...model.metadata,
          "general.license": gguf.string("mit"),
          "tokenizer.chat_template": gguf.string("{{ messages }}"),
          "tokenizer.ggml.pre": gguf.string("qwen2"),
        },
      }),
      supported,
    );
    expect(seen).toMatchObject({
      name: "random llama",
      license: "mit",
      hasChatTemplate: true,
      tokenizer: { kind: "llama", pre: "qwen2", tokens: 320 },
      contextTokens: 256,
    });
  });
});
