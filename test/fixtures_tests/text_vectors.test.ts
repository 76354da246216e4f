// llama.cpp's tokenizer vectors: vocabulary-only GGUF files with texts and the ids llama.cpp gives them.

import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openGguf } from "../../src/files/gguf";
import { memorySource } from "../../src/files/memory_source";
import { type Tokenizer, tokenizerFromMetadata } from "../../src/text/tokenizer";
import { readFixture, readFixtureText } from "../support/files";

const folder = "third-party/vocab";

async function tokenizerOf(vocabulary: string): Promise<Tokenizer> {
  const bytes = gunzipSync(await readFixture(`${folder}/ggml-vocab-${vocabulary}.gguf.gz`, "external"));
  const file = await openGguf(memorySource(new Uint8Array(bytes), vocabulary));
  return tokenizerFromMetadata(file.metadata);
}

async function vectorsOf(vocabulary: string): Promise<{ text: string; ids: number[] }[]> {
  const [input, output] = await Promise.all(
    ["inp", "out"].map((end) => readFixtureText(`${folder}/ggml-vocab-${vocabulary}.gguf.${end}`, "external")),
  );
  const texts = input!.split("\n__ggml_vocab_test__\n");
  const lines = output!.split("\n").slice(0, texts.length);
  return texts.map((text, i) => ({ text, ids: lines[i]!.split(" ").filter(Boolean).map(Number) }));
}

const supported = ["gpt-2", "llama-bpe", "qwen2", "qwen35", "deepseek-coder", "refact", "llama-spm", "phi-3"];

describe.each(supported)("%s", async (vocabulary) => {
  const [tokenizer, vectors] = await Promise.all([tokenizerOf(vocabulary), vectorsOf(vocabulary)]);

  test("the file has vectors", () => expect(vectors.length).toBeGreaterThan(40));

  test.each(vectors)("encodes $text as llama.cpp does", ({ text, ids }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
  });

  test.each(vectors)("gives $text back", ({ text, ids }) => {
    expect(tokenizer.decode(ids)).toBe(text);
  });
});

describe("vocabularies that are not run are refused by name", () => {
  test.each([
    ["bert-bge", "bert"],
    ["gemma-4", "gemma4"],
  ])("%s", async (vocabulary, model) => {
    await expect(tokenizerOf(vocabulary)).rejects.toMatchObject({
      code: "tokenizer-unsupported",
      message: expect.stringContaining(`"${model}"`),
    });
  });
});
