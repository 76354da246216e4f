// Hugging Face folders against the same weights as GGUF: tensors equal byte for byte where they should be, logits equal
// bit for bit on the reference backend.

import { describe, expect, test } from "vitest";
import { createReferenceBackend } from "../../../src/backends/reference/index";
import type { WeightsFile } from "../../../src/files/weights_file";
import { openHuggingFace } from "../../../src/hugging_face/open_folder";
import { recordModel } from "../../../src/model/record";
import { expectFennecError } from "../../support/expect_error";
import { openFixtureModel } from "../../support/files";
import { huggingFaceTwin } from "../../support/hugging_face";
import { logitsOf } from "../../support/parity";
import {
  jsonBytes,
  memoryFolder,
  safetensorsBytes,
  shardedFiles,
  type Tensors,
} from "../../support/safetensors_writer";

const PROMPT = [5, 17, 301, 44, 2, 260, 99, 13];

async function logits(file: WeightsFile): Promise<Float32Array> {
  const model = recordModel(file);
  const backend = await createReferenceBackend({
    file,
    ...model,
    vocab: model.config.vocab,
    options: { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 },
  });
  try {
    return await logitsOf(backend, PROMPT, PROMPT.length);
  } finally {
    backend.dispose();
  }
}

const nano = async (name: string) => huggingFaceTwin(await openFixtureModel(`nano/${name}.gguf`));
const twins = {
  llama: await nano("llama-nano-F32"),
  qwen2: await nano("qwen2-nano-F16"),
  qwen3: await nano("qwen3-nano-F32"),
  gemma3: await nano("gemma3-nano-F16"),
};

function filesOf(twin: { config: object; tensors: Tensors }, config: object = {}) {
  return {
    "config.json": jsonBytes({ ...twin.config, ...config }),
    "model.safetensors": safetensorsBytes(twin.tensors),
  };
}

describe.each(Object.entries(twins))("%s", (_name, twin) => {
  test("logits of the folder equal those of the GGUF file, bit for bit", async () => {
    const folder = await openHuggingFace(memoryFolder(filesOf(twin)));
    expect(folder.format).toBe("safetensors");
    expect(await logits(folder)).toEqual(await logits(twin.gguf));
  });

  test("three shards are the same tensors as one file", async () => {
    const one = await openHuggingFace(memoryFolder(filesOf(twin)));
    const three = await openHuggingFace(
      memoryFolder({ "config.json": jsonBytes(twin.config), ...shardedFiles(twin.tensors, 3) }),
    );
    expect([...three.tensors.keys()].sort()).toEqual([...one.tensors.keys()].sort());
    for (const { name, offset, bytes, source } of three.tensors.values()) {
      const other = one.tensors.get(name)!;
      const want = await other.source.read(other.offset, other.bytes);
      expect(Buffer.compare(await source.read(offset, bytes), want), name).toBe(0);
    }
  });
});

const { llama } = twins;

describe("reading made tensors in pieces", () => {
  const Q = "blk.0.attn_q.weight";

  test.each([
    ["inside one row", 4, 8],
    ["across rows, off the grid", 1001, 5003],
    ["the end", 60_000, 5536],
  ])("%s", async (_name, offset, length) => {
    const { source, bytes } = (await openHuggingFace(memoryFolder(filesOf(llama)))).tensors.get(Q)!;
    const whole = await source.read(0, bytes);
    expect(bytes).toBeGreaterThan(offset + length - 1);
    expect(await source.read(offset, length)).toEqual(whole.slice(offset, offset + length));
    const streamed: number[] = [];
    for await (const piece of source.stream(offset, length)) streamed.push(...piece);
    expect(streamed).toEqual([...whole.subarray(offset, offset + length)]);
  });

  test("past the end is refused", async () => {
    const { source, bytes } = (await openHuggingFace(memoryFolder(filesOf(llama)))).tensors.get(Q)!;
    await expectFennecError(() => source.read(bytes - 1, 2), "file-truncated");
  });
});

describe("config.json", () => {
  const open = (config: object, tensors: Tensors = llama.tensors) =>
    openHuggingFace(memoryFolder(filesOf({ ...llama, tensors }, config)));

  test.each([
    ["an unknown architecture", { model_type: "mamba" }, "file-unsupported", "mamba"],
    ["another activation", { hidden_act: "relu" }, "file-unsupported", "relu"],
    ["yarn", { rope_scaling: { rope_type: "yarn", factor: 4 } }, "file-unsupported", "yarn"],
    ["no layers", { num_hidden_layers: null }, "metadata-missing", "num_hidden_layers"],
    ["text for a number", { hidden_size: "many" }, "metadata-type", "hidden_size"],
    ["half a layer", { num_hidden_layers: 1.5 }, "metadata-type", "num_hidden_layers"],
  ] as const)("%s is refused by name", async (_name, config, code, word) => {
    await expectFennecError(() => open(config), code, word);
  });

  test("a head that should be there and is not", async () => {
    const { "lm_head.weight": _head, ...tensors } = llama.tensors;
    await expectFennecError(() => open({ tie_word_embeddings: false }, tensors), "tensor-missing", "lm_head");
  });

  test("a tied head that is there as well is left out", async () => {
    const file = await open({ tie_word_embeddings: true });
    expect(file.tensors.has("output.weight")).toBe(false);
  });

  test("a tensor without a meaning is refused by the model", async () => {
    const extra = { dtype: "F32", shape: [4], bytes: new Uint8Array(16) };
    const file = await open({}, { ...llama.tensors, "model.layers.0.self_attn.sinks": extra });
    expect(() => recordModel(file)).toThrow("model.layers.0.self_attn.sinks");
  });

  test("Llama 3's scaling of frequencies becomes the table that GGUF has", async () => {
    const scaling = {
      rope_type: "llama3",
      factor: 32,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 8192,
    };
    const file = await open({ rope_scaling: scaling, rope_theta: 500_000, head_dim: 64 });
    const { source, bytes, shape } = file.tensors.get("rope_freqs.weight")!;
    const factors = new Float32Array((await source.read(0, bytes)).buffer);
    expect(shape).toEqual([32]);
    // Values of `rope_freqs.weight` in Llama 3.2 1B: 1 for short wavelengths, 32 for long ones, rising between.
    expect(factors[0]).toBe(1);
    expect(factors[31]).toBe(32);
    expect([...factors]).toEqual([...factors].sort((a, b) => a - b));
    expect(new Set(factors).size).toBeGreaterThan(4);
  });
});

describe("files that are missing", () => {
  test.each([
    ["config.json", { "model.safetensors": safetensorsBytes(llama.tensors) }, "config.json"],
    ["weights", { "config.json": jsonBytes(llama.config) }, "model.safetensors"],
  ])("%s", async (_name, files, word) => {
    await expectFennecError(() => openHuggingFace(memoryFolder(files)), "source-unreadable", word);
  });

  test("a shard is named", async () => {
    const { "model-00002-of-00003.safetensors": _shard, ...files } = shardedFiles(llama.tensors, 3);
    const folder = memoryFolder({ "config.json": jsonBytes(llama.config), ...files });
    await expectFennecError(() => openHuggingFace(folder), "source-unreadable", "model-00002-of-00003.safetensors");
  });
});
