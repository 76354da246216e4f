// Hugging Face files as people have them: the stories260K folder against its GGUF twins, real tokenizer.json files against
// what Hugging Face's own tokenizers give.

import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createReferenceBackend } from "../../src/backends/reference/index";
import type { WeightsFile } from "../../src/files/weights_file";
import { openHuggingFace } from "../../src/hugging_face/open_folder";
import { recordModel } from "../../src/model/record";
import { tokenizerFromHuggingFace } from "../../src/text/tokenizer";
import { openFixtureModel, readFixture, readFixtureText } from "../support/files";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { memoryFolder } from "../support/safetensors_writer";

const STORIES = "third-party/stories260K";

async function storiesFolder() {
  const read = (name: string) => readFixture(`${STORIES}/hf/${name}`, "external");
  return memoryFolder(
    { "config.json": await read("config.json"), "model.safetensors": await read("model.safetensors") },
    "stories260K",
  );
}

async function logits(file: WeightsFile, tokens: readonly number[]): Promise<Float32Array> {
  const model = recordModel(file);
  const backend = await createReferenceBackend({
    file,
    ...model,
    vocab: model.config.vocab,
    options: { precision: "exact", kv: "f32", kvTokens: 256, context: 256, slots: 1 },
  });
  return logitsOf(backend, tokens, 32);
}

describe("stories260K", () => {
  test("logits of the folder are those of the GGUF file, bit for bit, and llama.cpp's", async () => {
    const fixture = await openParityFixture(`${STORIES}/stories260K-F32`, "external");
    const got = await logits(await openHuggingFace(await storiesFolder()), fixture.tokens);
    const gguf = await logits(fixture.file, fixture.tokens);
    expect(Buffer.compare(Buffer.from(got.buffer), Buffer.from(gguf.buffer))).toBe(0);
    expect(compareLogits(got, fixture.logits, fixture.description.vocab).nmse).toBeLessThan(fixture.description.bound);
  });

  test.each(["q8_0", "q4_0"] as const)(
    "quantized while loading to %s: ggml's own blocks, bit for bit",
    async (quantize) => {
      const folder = await openHuggingFace(await storiesFolder(), { quantize });
      const gguf = await openFixtureModel(`${STORIES}/stories260K-${quantize.toUpperCase()}.gguf`, "external");
      let compared = 0;
      for (const want of gguf.tensors.values()) {
        if (want.type !== quantize.toUpperCase()) continue;
        const got = folder.tensors.get(want.name)!;
        expect(got.type, want.name).toBe(want.type);
        const bytes = await got.source.read(got.offset, got.bytes);
        expect(Buffer.compare(bytes, await want.source.read(want.offset, want.bytes)), want.name).toBe(0);
        compared += 1;
      }
      expect(compared).toBeGreaterThan(25);
    },
  );
});

interface Golden {
  readonly text: string;
  readonly ids: readonly number[];
}

describe.each(["smollm2", "lfm2.5", "phi3v"])("tokenizer.json of %s", async (name) => {
  const zipped = await readFixture(`third-party/tokenizers/${name}-tokenizer.json.gz`, "external");
  const tokenizer = tokenizerFromHuggingFace(new TextDecoder().decode(gunzipSync(zipped)));
  const lines = (await readFixtureText(`goldens/tokenizers/${name}-tokenizer.json.jsonl`, "external"))
    .trim()
    .split("\n");
  const goldens = lines.map((line) => JSON.parse(line) as Golden).filter(({ text }) => typeof text === "string");

  test("encodes as Hugging Face does", () => {
    expect(goldens.length).toBeGreaterThan(300);
    const wrong = goldens.filter(
      ({ text, ids }) => tokenizer.encode(text, { special: true }).join(" ") !== ids.join(" "),
    );
    expect(wrong.map(({ text }) => text)).toEqual([]);
  });
});
