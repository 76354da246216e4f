// Whole files: which type each tensor gets, what is copied as it was, what the report says, what is refused.

import { describe, expect, test } from "vitest";
import { formatOf } from "../../../kernels/quant/index";
import { readRawMetadata } from "../../../src/files/gguf_raw";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import type { ByteSource, WeightsFile } from "../../../src/files/weights_file";
import { QUANTIZERS } from "../../../src/quantize/formats";
import { type QuantizeOptions, quantizeModel, type TensorReport } from "../../../src/quantize/index";
import { expectFennecError } from "../../support/expect_error";
import { type GgufFile, type GgufValue, gguf, ggufBytes } from "../../support/gguf_writer";
import { randomModel } from "../../support/random_model";

const open = (bytes: Uint8Array<ArrayBuffer>): Promise<WeightsFile> => openWeights(memorySource(bytes, "in.gguf"));

async function quantized(file: WeightsFile, options: QuantizeOptions): Promise<WeightsFile> {
  const { bytes, pieces } = await quantizeModel(file, options);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of pieces) parts.push(piece);
  const whole = new Uint8Array(await new Blob(parts).arrayBuffer());
  expect(whole.length).toBe(bytes);
  return open(whole);
}

function f32Tensor(name: string, shape: readonly number[], value: (i: number) => number): GgufFile["tensors"][number] {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
  return { name, type: "F32", shape, data: () => [new Uint8Array(values.buffer)] };
}

const wave = (i: number) => Math.sin(i * 1.7) * 0.1;

const typesOf = (file: WeightsFile): Record<string, string> =>
  Object.fromEntries([...file.tensors.values()].map(({ name, type }) => [name, type]));

describe("the type of each tensor", () => {
  const tensors = [
    f32Tensor("token_embd.weight", [4, 256], wave),
    f32Tensor("output.weight", [4, 256], wave),
    f32Tensor("output_norm.weight", [256], wave),
    f32Tensor("blk.0.attn_q.weight", [2, 256], wave),
    f32Tensor("blk.0.attn_q.bias", [256], wave),
    f32Tensor("blk.0.attn_v.weight", [2, 96], wave), // 32 divides it, 256 does not
    f32Tensor("blk.0.ffn_up.weight", [2, 40], wave), // nothing divides it
    f32Tensor("blk.0.ffn_gate_inp.weight", [2, 256], wave),
    f32Tensor("blk.0.ffn_up_exps.weight", [2, 3, 256], wave),
    f32Tensor("blk.0.shortconv.conv.weight", [256, 32], wave),
  ];
  const file: GgufFile = { metadata: { "general.architecture": gguf.string("llama") }, tensors };
  const fixed = {
    "output_norm.weight": "F32",
    "blk.0.attn_q.bias": "F32",
    "blk.0.ffn_gate_inp.weight": "F32",
    "blk.0.shortconv.conv.weight": "F32",
    "blk.0.ffn_up.weight": "F16",
  };
  const cases: readonly (readonly [type: string, matrix: string, odd: string, head: string])[] = [
    ["Q4_K", "Q4_K", "Q5_0", "Q6_K"],
    ["Q5_K", "Q5_K", "Q5_1", "Q6_K"],
    ["Q6_K", "Q6_K", "Q8_0", "Q6_K"],
    ["Q8_0", "Q8_0", "Q8_0", "Q8_0"],
    ["Q4_0", "Q4_0", "Q4_0", "Q6_K"],
    ["IQ4_NL", "IQ4_NL", "IQ4_NL", "Q6_K"],
    ["F16", "F16", "F16", "F16"],
  ];
  test.each(cases)("%s: matrices %s, odd rows %s, head %s", async (type, matrix, odd, head) => {
    expect(typesOf(await quantized(await open(ggufBytes(file)), { type }))).toEqual({
      ...fixed,
      "token_embd.weight": matrix,
      "output.weight": head,
      "blk.0.attn_q.weight": matrix,
      "blk.0.ffn_up_exps.weight": matrix,
      "blk.0.attn_v.weight": odd,
    });
  });

  test("a tied embedding is the head", async () => {
    const tied = { ...file, tensors: tensors.filter(({ name }) => name !== "output.weight") };
    const types = typesOf(await quantized(await open(ggufBytes(tied)), { type: "Q4_K" }));
    expect(types["token_embd.weight"]).toBe("Q6_K");
  });

  test("the first rule that matches counts, * is any characters and a dot only a dot", async () => {
    const keep = [
      { name: "blk.*.attn_*.weight", type: "Q8_0" },
      { name: "*", type: "F16" },
    ];
    const types = typesOf(await quantized(await open(ggufBytes(file)), { type: "Q4_K", keep }));
    expect(types["blk.0.attn_q.weight"]).toBe("Q8_0");
    expect(types["blk.0.attn_v.weight"]).toBe("Q8_0");
    expect(types["output_norm.weight"]).toBe("F16");
    const unused = await open(ggufBytes(file));
    await expectFennecError(
      () => quantizeModel(unused, { type: "Q4_K", keep: [{ name: "output_weight", type: "F16" }] }),
      "invalid-argument",
      "output_weight",
    );
  });

  const refused: readonly (readonly [why: string, options: QuantizeOptions, says: string])[] = [
    ["an unknown type", { type: "Q4" }, '"Q4"'],
    ["a type that is read only", { type: "Q2_K" }, "Q2_K"],
    ["an unknown type in a rule", { type: "Q8_0", keep: [{ name: "*", type: "q8" }] }, '"q8"'],
    ["rows that a rule's type does not divide", { type: "Q8_0", keep: [{ name: "*ffn_up.*", type: "Q4_K" }] }, "F16"],
  ];
  test.each(refused)("%s is refused", async (_why, options, says) => {
    const opened = await open(ggufBytes(file));
    await expectFennecError(() => quantizeModel(opened, options), "invalid-argument", says);
  });
});

test("metadata is copied byte for byte, but for what quantizing changes", async () => {
  const metadata: Record<string, GgufValue> = {
    "general.architecture": gguf.string("llama"),
    "general.file_type": gguf.u32(1),
    a: gguf.scalar("uint8", 200),
    b: gguf.scalar("int64", -5n),
    c: gguf.f32(10_000), // whole, and still a float
    d: gguf.bool(true),
    e: gguf.array("string", ["x", "", "\u{1f98a}"]),
    f: gguf.array("float32", [0.1, -2]),
    g: gguf.arrays([gguf.array("int32", [1, -1]), gguf.array("bool", [true])]),
    h: gguf.array("uint16", []),
  };
  const before = ggufBytes({ alignment: 4096, metadata, tensors: [f32Tensor("m.weight", [2, 256], wave)] });
  const file = await open(before);
  const after = await quantized(file, { type: "Q4_K" });
  const [was, is] = await Promise.all(
    [file, after].map((one) => readRawMetadata([...one.tensors.values()][0]!.source)),
  );
  expect([...is!.keys()]).toEqual([
    ...[...was!.keys()].filter((key) => key !== "general.alignment"),
    "general.quantization_version",
  ]);
  for (const key of "abcdefgh") expect(is!.get(key)).toEqual(was!.get(key));
  expect(after.metadata.get("general.file_type")).toBe(14);
  expect(after.metadata.get("general.quantization_version")).toBe(2);
});

test("metadata of other files gets the types that GGUF readers expect", async () => {
  const source = await open(ggufBytes(randomModel()));
  const file: WeightsFile = {
    ...source,
    format: "safetensors",
    metadata: new Map<string, WeightsFile["metadata"] extends ReadonlyMap<string, infer V> ? V : never>([
      ["llama.context_length", 2048],
      ["llama.rope.freq_base", 10_000],
      ["llama.attention.layer_norm_rms_epsilon", 1e-5],
      ["tokenizer.ggml.token_type", [1, 3, 6]],
      ["tokenizer.ggml.scores", new Float32Array([0, -1])],
      ["tokenizer.ggml.tokens", ["a", "b"]],
      ["tokenizer.ggml.add_bos_token", true],
    ]),
  };
  const raw = await readRawMetadata([...(await quantized(file, { type: "Q8_0" })).tensors.values()][0]!.source);
  const typeOf = (key: string) => raw.get(key)![0];
  expect(typeOf("llama.context_length")).toBe(4); // uint32
  expect(typeOf("llama.rope.freq_base")).toBe(6); // float32
  expect(typeOf("llama.attention.layer_norm_rms_epsilon")).toBe(6);
  expect([...raw.get("tokenizer.ggml.token_type")!.subarray(0, 5)]).toEqual([9, 0, 0, 0, 5]); // array of int32
  expect([...raw.get("tokenizer.ggml.scores")!.subarray(0, 5)]).toEqual([9, 0, 0, 0, 6]); // of float32
  expect([...raw.get("tokenizer.ggml.tokens")!.subarray(0, 5)]).toEqual([9, 0, 0, 0, 8]); // of strings
  expect(typeOf("tokenizer.ggml.add_bos_token")).toBe(7);
});

test("weights and reported errors are the quantizer's, also from blocks and across pieces", async () => {
  const rows = 1100; // of 256: more than one piece
  const file = await open(
    ggufBytes({
      metadata: {},
      tensors: [f32Tensor("m.weight", [rows, 256], wave), f32Tensor("n.weight", [256], wave)],
    }),
  );
  const halves = await quantized(file, { type: "Q8_0" });
  const reports: TensorReport[] = [];
  let last = 0;
  const small = await quantized(halves, {
    type: "Q4_0",
    onTensor: (report) => reports.push(report),
    onProgress: ({ weightsDone, weightsTotal }) => {
      expect(weightsDone).toBeGreaterThanOrEqual(last);
      expect(weightsTotal).toBe(rows * 256 + 256);
      last = weightsDone;
    },
  });
  expect(last).toBe(rows * 256 + 256);

  const read = async (of: WeightsFile) => {
    const { source, offset, bytes, type } = of.tensors.get("m.weight")!;
    const data = await source.read(offset, bytes);
    return { data, values: formatOf(type).dequantize(data) };
  };
  const before = await read(halves);
  const after = await read(small);
  expect(after.data).toEqual(QUANTIZERS.get("Q4_0")!.quantize(before.values));
  let squares = 0;
  let most = 0;
  before.values.forEach((value, i) => {
    squares += (after.values[i]! - value) ** 2;
    most = Math.max(most, Math.abs(after.values[i]! - value));
  });
  const [matrix, norm] = reports;
  expect(matrix).toMatchObject({ name: "m.weight", from: "Q8_0", to: "Q4_0", maxError: most });
  expect(matrix!.rmse).toBeCloseTo(Math.sqrt(squares / before.values.length), 12);
  expect(norm).toMatchObject({ name: "n.weight", from: "F32", to: "F32", rmse: 0, maxError: 0 });
});

test("never holds more than a piece: no read above a mebibyte, pieces come as they are made", async () => {
  const file = await open(ggufBytes({ metadata: {}, tensors: [f32Tensor("m.weight", [4096, 256], wave)] }));
  const reads: number[] = [];
  const info = file.tensors.get("m.weight")!;
  const source: ByteSource = {
    ...info.source,
    read: (offset, length) => {
      reads.push(length);
      return info.source.read(offset, length);
    },
  };
  const watched = { ...file, tensors: new Map([[info.name, { ...info, source }]]) };
  const { pieces } = await quantizeModel(watched, { type: "Q8_0" });
  const before = reads.length;
  const iterator = pieces[Symbol.asyncIterator]();
  for (let i = 0; i < 3; i++) await iterator.next(); // header, padding, the first piece
  expect(reads.length - before).toBe(1);
  while (!(await iterator.next()).done);
  expect(reads.length - before).toBe(4);
  expect(Math.max(...reads.slice(before))).toBeLessThanOrEqual(1 << 20);
});

describe("weights that cannot be quantized", () => {
  const cases: readonly (readonly [why: string, weight: number, type: string, says: string])[] = [
    ["not a number", Number.NaN, "Q8_0", "weight 300 is NaN"],
    ["infinite", Number.POSITIVE_INFINITY, "Q4_K", "weight 300 is Infinity"],
    ["beyond half precision", 1e30, "F16", "--keep m.weight=F32"],
    ["with a scale beyond half precision", 1e30, "Q4_0", "--keep m.weight=F32"],
  ];
  test.each(cases)("%s", async (_why, weight, type, says) => {
    const tensors = [f32Tensor("m.weight", [2, 256], (i) => (i === 300 ? weight : wave(i)))];
    const file = await open(ggufBytes({ metadata: {}, tensors }));
    await expectFennecError(() => quantized(file, { type }), "tensor-not-finite", says);
  });
});

test("an abort ends it", async () => {
  const file = await open(ggufBytes(randomModel()));
  const controller = new AbortController();
  const { pieces } = await quantizeModel(file, { type: "Q8_0", signal: controller.signal });
  controller.abort();
  await expectFennecError(async () => {
    for await (const piece of pieces) expect(piece).toBeDefined();
  }, "aborted");
});
