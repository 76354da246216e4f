// The folder for WebLLM has the GGUF file's weights, number for number, or is not written.

import { describe, expect, test } from "vitest";
import { mlcFiles } from "../../../bench/page/mlc_files";
import { type MlcParameter, readMlcLibrary } from "../../../bench/page/mlc_library";
import { floatToHalf, halfToFloat } from "../../../kernels/quant/half";
import { formatOf } from "../../../kernels/quant/index";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import type { WeightsFile } from "../../../src/files/weights_file";
import { type GgufFile, type GgufTensor, gguf, ggufBytes } from "../../support/gguf_writer";
import { randomModel } from "../../support/random_model";

const SIZES = { layers: 2, dim: 64, heads: 4, kvHeads: 2, hidden: 96, vocab: 320 } as const;
const QKV = 64 + 2 * 32;

/** Norms and biases as halves; matrices are as they are: tests' Q4_0 has the levels -7 to 7. */
const asHalves = (tensor: GgufTensor): GgufTensor =>
  tensor.type === "F32"
    ? changed(tensor, (bytes) => {
        const values = new Float32Array(bytes.buffer);
        for (const [i, value] of values.entries()) values[i] = halfToFloat(floatToHalf(value));
      })
    : tensor;

function changed(tensor: GgufTensor, change: (bytes: Uint8Array<ArrayBuffer>) => void): GgufTensor {
  const bytes = new Uint8Array(Buffer.concat([...tensor.data()]));
  change(bytes);
  return { ...tensor, data: () => [bytes] };
}

function model(
  change: Partial<GgufFile["metadata"]> = {},
  tensors: (all: readonly GgufTensor[]) => readonly GgufTensor[] = (all) => all.map(asHalves),
) {
  const made = randomModel({ architecture: "qwen2", type: "Q4_0", tied: true, tokenizer: "spm", ...SIZES });
  const metadata = { ...made.metadata, "tokenizer.ggml.add_bos_token": gguf.bool(false), ...change };
  const file = { metadata: metadata as GgufFile["metadata"], tensors: tensors(made.tensors) };
  return openWeights(memorySource(ggufBytes(file), "random.gguf"));
}

/** A library's bytes: its description between other constants. */
function library(float: "float16" | "float32", change: (parameters: MlcParameter[]) => MlcParameter[] = (all) => all) {
  const matrix = (name: string, rows: number, columns: number): MlcParameter[] => [
    { name: `${name}.q_weight`, shape: [rows, columns / 8], dtype: "uint32" },
    { name: `${name}.q_scale`, shape: [rows, columns / 32], dtype: float },
  ];
  const vector = (name: string, width: number): MlcParameter => ({ name, shape: [width], dtype: float });
  const { layers, dim, hidden, vocab } = SIZES;
  const params = [
    ...matrix("model.embed_tokens", vocab, dim),
    ...Array.from({ length: layers }, (_, layer) => {
      const at = `model.layers.${layer}.`;
      return [
        ...matrix(`${at}self_attn.c_attn`, QKV, dim),
        vector(`${at}self_attn.c_attn.bias`, QKV),
        ...matrix(`${at}self_attn.o_proj`, dim, dim),
        ...matrix(`${at}mlp.gate_up_proj`, 2 * hidden, dim),
        ...matrix(`${at}mlp.down_proj`, dim, hidden),
        vector(`${at}input_layernorm.weight`, dim),
        vector(`${at}post_attention_layernorm.weight`, dim),
      ];
    }).flat(),
    vector("model.norm.weight", dim),
  ];
  const fields = { context_window_size: 256, prefill_chunk_size: 64, params: change(params), kv_cache: { layers } };
  const about = JSON.stringify({ model_type: "qwen2", quantization: "q4f16_1", ...fields });
  return readMlcLibrary(new TextEncoder().encode(`\0asm{"model\0${about}\u0005{"more":{}}`));
}

/** GGUF's tensors of each of MLC's, in the order of rows. */
const SOURCES: readonly (readonly [string, readonly string[]])[] = [
  ["model.embed_tokens", ["token_embd.weight"]],
  ["model.norm.weight", ["output_norm.weight"]],
  ...[0, 1].flatMap((layer): (readonly [string, readonly string[]])[] => {
    const blk = (...names: string[]) => names.map((name) => `blk.${layer}.${name}`);
    const at = `model.layers.${layer}.`;
    return [
      [`${at}self_attn.c_attn`, blk("attn_q.weight", "attn_k.weight", "attn_v.weight")],
      [`${at}self_attn.c_attn.bias`, blk("attn_q.bias", "attn_k.bias", "attn_v.bias")],
      [`${at}self_attn.o_proj`, blk("attn_output.weight")],
      [`${at}mlp.gate_up_proj`, blk("ffn_gate.weight", "ffn_up.weight")],
      [`${at}mlp.down_proj`, blk("ffn_down.weight")],
      [`${at}input_layernorm.weight`, blk("attn_norm.weight")],
      [`${at}post_attention_layernorm.weight`, blk("ffn_norm.weight")],
    ];
  }),
];

async function filesOf(file: WeightsFile, of: ReturnType<typeof library>): Promise<Map<string, Uint8Array | string>> {
  const files = new Map<string, Uint8Array | string>();
  for await (const { name, content } of mlcFiles(file, of)) files.set(name, content);
  return files;
}

interface Entry extends MlcParameter {
  readonly nbytes: number;
  readonly byteOffset: number;
}

/** The parameters as MLC reads them: bytes by name. */
function parametersOf(files: ReadonlyMap<string, Uint8Array | string>, list: string) {
  const parameters = new Map<string, { readonly entry: Entry; readonly bytes: ArrayBuffer }>();
  for (const { dataPath, records } of JSON.parse(String(files.get(list))).records) {
    const shard = files.get(dataPath) as Uint8Array;
    for (const entry of records as Entry[]) {
      const { byteOffset, nbytes } = entry;
      parameters.set(entry.name, { entry, bytes: shard.slice(byteOffset, byteOffset + nbytes).buffer as ArrayBuffer });
    }
  }
  return parameters;
}

describe.each(["float16", "float32"] as const)("a library of %s", (float) => {
  const floats = (bytes: ArrayBuffer): number[] =>
    float === "float32" ? [...new Float32Array(bytes)] : [...new Uint16Array(bytes)].map(halfToFloat);

  test.each(["ndarray-cache.json", "tensor-cache.json"])("%s names every weight of the GGUF file", async (list) => {
    const file = await model();
    const of = library(float);
    const parameters = parametersOf(await filesOf(file, of), list);
    expect([...parameters.keys()]).toEqual(of.parameters.map(({ name }) => name));
    for (const [name, sources] of SOURCES) {
      const expected: number[] = [];
      for (const source of sources) {
        const { type, offset, bytes, source: from } = file.tensors.get(source)!;
        expected.push(...formatOf(type).dequantize(await from.read(offset, bytes)));
      }
      const plain = parameters.get(name);
      if (plain) {
        expect(floats(plain.bytes), name).toEqual(expected);
        continue;
      }
      // `_dequantize` of MLC's group quantization: (level - 7) · scale, eight levels to a u32, a scale to 32.
      const packed = new Uint32Array(parameters.get(`${name}.q_weight`)!.bytes);
      const scales = floats(parameters.get(`${name}.q_scale`)!.bytes);
      const values = expected.map(
        (_, i) => (((packed[Math.floor(i / 8)]! >>> (4 * (i % 8))) & 15) - 7) * scales[Math.floor(i / 32)]! + 0,
      );
      expect(values, name).toEqual(expected.map((value) => value + 0)); // no -0
    }
  });
});

test("the settings are the library's and the tokenizer's, and the tokenizer is Hugging Face's", async () => {
  const files = await filesOf(await model(), library("float16"));
  const config = JSON.parse(String(files.get("mlc-chat-config.json")));
  expect(config).toMatchObject({ quantization: "q4f16_1", vocab_size: SIZES.vocab, context_window_size: 256 });
  expect(config.conv_template.stop_token_ids).toEqual([2]);
  expect(JSON.parse(String(files.get("tokenizer.json"))).model.type).toBe("BPE");
});

describe("refused", () => {
  const lowest = (all: readonly GgufTensor[]) =>
    all
      .map(asHalves)
      .map((tensor) =>
        tensor.name === "blk.1.ffn_down.weight" ? changed(tensor, (bytes) => bytes.fill(0x0f, -1)) : tensor,
      );
  const asTheyAre = (all: readonly GgufTensor[]) => all;
  test.each([
    ["a level -8", model({}, lowest), library("float16"), /blk.1.ffn_down.weight has a level -8/],
    ["a norm that is no half", model({}, asTheyAre), library("float16"), /no half/],
    ["BOS before a text", model({ "tokenizer.ggml.add_bos_token": gguf.bool(true) }), library("float16"), /BOS/],
    [
      "a library of another shape",
      model(),
      library("float16", (all) => all.map((one) => ({ ...one, shape: one.shape.map((extent) => 2 * extent) }))),
      /has shape 640,16 in the library, and would have 320,8/,
    ],
    [
      "a parameter that Qwen2 has not",
      model(),
      library("float16", (all) => [{ name: "model.layers.0.mlp.gate.weight", shape: [8], dtype: "float16" }, ...all]),
      /Qwen2 has not: model.layers.0.mlp.gate.weight/,
    ],
    [
      "a library of fewer layers: the file's last would be left out",
      model(),
      library("float16", (all) => all.filter(({ name }) => !name.startsWith("model.layers.1."))),
      /no use for blk.1.attn_norm.weight/,
    ],
    [
      "a head of its own, which the tied file has not",
      model(),
      library("float16", (all) => [{ name: "lm_head.q_weight", shape: [320, 8], dtype: "uint32" }, ...all]),
      /no output.weight/,
    ],
  ])("%s", async (_why, file, of, message) => {
    const opened = await file;
    await expect(filesOf(opened, of)).rejects.toThrow(message);
  });

  test("another architecture, another weight type", async () => {
    const llama = openWeights(memorySource(ggufBytes(randomModel({ type: "Q4_0", tokenizer: "spm" })), "llama.gguf"));
    await expect(filesOf(await llama, library("float16"))).rejects.toThrow(/only qwen2/);
    const wide = randomModel({ architecture: "qwen2", type: "Q8_0", tied: true, tokenizer: "spm", ...SIZES });
    const metadata = { ...wide.metadata, "tokenizer.ggml.add_bos_token": gguf.bool(false) };
    const file = await openWeights(memorySource(ggufBytes({ ...wide, metadata }), "wide.gguf"));
    await expect(filesOf(file, library("float16"))).rejects.toThrow(/Q8_0/);
  });

  test("a wasm that is no library, and one whose parameters are of another type", () => {
    expect(() => readMlcLibrary(new Uint8Array(100))).toThrow(/no model library/);
    expect(() => library("float16", (all) => all.map((one) => ({ ...one, dtype: "int8" }) as never))).toThrow(/int8/);
  });
});
