// The GGUF reader on honest files: every nano model, every value type, both versions, and sources of every kind.

import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { blobSource } from "../../../src/files/blob_source";
import { memorySource } from "../../../src/files/memory_source";
import { openNodeFile } from "../../../src/files/node_file";
import { openWeights } from "../../../src/files/open";
import type { ByteSource } from "../../../src/files/weights_file";
import { type GgufFile, gguf, ggufBytes } from "../../support/gguf_writer";
import { randomModel } from "../../support/random_model";

const nano = new URL("../../fixtures/nano/", import.meta.url);
const nanoFiles = (await readdir(nano)).filter((name) => name.endsWith(".gguf"));

const open = (file: GgufFile) => openWeights(memorySource(ggufBytes(file)));

test("the nano models are there", () => expect(nanoFiles).toHaveLength(12));

describe.each(nanoFiles)("%s", (name) => {
  const { vocab } = JSON.parse(readFileSync(new URL(name.replace(".gguf", ".json"), nano), "utf8"));

  test("has the metadata, and tensors that fill the file", async () => {
    const file = await openWeights(await openNodeFile(new URL(name, nano)));
    const architecture = file.metadata.get("general.architecture");
    expect(name.startsWith(`${architecture}-`)).toBe(true);
    expect(file.tensors.get("token_embd.weight")?.shape[0]).toBe(vocab);
    expect(file.metadata.get("tokenizer.ggml.tokens")).toHaveLength(vocab);

    const tensors = [...file.tensors.values()].sort((a, b) => a.offset - b.offset);
    const last = tensors.at(-1)!;
    expect(file.bytes - (last.offset + last.bytes)).toBeLessThan(32);
    for (const [i, tensor] of tensors.entries()) {
      if (i > 0) expect(tensor.offset - (tensors[i - 1]!.offset + tensors[i - 1]!.bytes)).toBeLessThan(32);
    }
    file.dispose();
  });

  test("has finite weights of a sensible size where the header says", async () => {
    const file = await openWeights(memorySource(readFileSync(new URL(name, nano))));
    const norm = file.tensors.get("blk.0.attn_norm.weight") ?? file.tensors.get("blk.0.post_attention_norm.weight")!;
    expect(norm.type).toBe("F32");
    const values = new Float32Array((await norm.source.read(norm.offset, norm.bytes)).buffer);
    expect(values).toHaveLength(norm.shape[0]!);
    expect(values.every((value) => Math.abs(value) > 1e-3 && Math.abs(value) < 10)).toBe(true);
  });
});

test("from a file, a Blob and memory the same is read, in reads and streams", async () => {
  const name = "llama-nano-F32.gguf";
  const bytes = readFileSync(new URL(name, nano));
  const sources: ByteSource[] = [
    await openNodeFile(new URL(name, nano)),
    blobSource(new File([bytes], name)),
    blobSource(new Blob([bytes])),
    memorySource(new Uint8Array(bytes)),
  ];
  for (const source of sources) {
    const file = await openWeights(source);
    const { offset, bytes: length } = file.tensors.get("output.weight")!;
    const want = bytes.subarray(offset, offset + length);
    expect(Buffer.compare(await source.read(offset, length), want)).toBe(0);
    const pieces: Uint8Array[] = [];
    for await (const piece of source.stream(offset, length)) pieces.push(piece);
    expect(Buffer.compare(Buffer.concat(pieces), want)).toBe(0);
    file.dispose();
  }
});

const everyType: GgufFile = {
  metadata: {
    uint8: gguf.scalar("uint8", 255),
    int8: gguf.scalar("int8", -128),
    uint16: gguf.scalar("uint16", 65535),
    int16: gguf.scalar("int16", -32768),
    uint32: gguf.scalar("uint32", 4294967295),
    int32: gguf.scalar("int32", -2147483648),
    float32: gguf.scalar("float32", 1.5),
    bool: gguf.scalar("bool", true),
    string: gguf.string("naïve ▁token 🦊"),
    "string with a byte order mark": gguf.string("\uFEFFx"),
    "empty string": gguf.string(""),
    uint64: gguf.u64(2 ** 53 - 1),
    "uint64 beyond a double": gguf.u64(2n ** 64n - 1n),
    int64: gguf.scalar("int64", -5),
    "int64 beyond a double": gguf.scalar("int64", -(2n ** 63n)),
    float64: gguf.scalar("float64", Math.PI),
    uint8s: gguf.array("uint8", [1, 2, 255]),
    int8s: gguf.array("int8", [-1]),
    uint16s: gguf.array("uint16", [1, 65535]),
    int16s: gguf.array("int16", [-1]),
    uint32s: gguf.array("uint32", [4294967295]),
    int32s: gguf.array("int32", [-1, 7]),
    float32s: gguf.array("float32", [0.5, -0.25]),
    float64s: gguf.array("float64", [Math.E]),
    bools: gguf.array("bool", [true, false]),
    strings: gguf.array("string", ["a", "", "ß"]),
    uint64s: gguf.array("uint64", [1, 2n ** 63n]),
    "no elements": gguf.array("float32", []),
    nested: gguf.arrays([gguf.array("int32", [1, 2]), gguf.arrays([gguf.array("string", ["deep"])])]),
  },
  tensors: [],
};

describe.each([2, 3])("version %i", (version) => {
  test("every type of value, and arrays of each", async () => {
    const { metadata } = await open({ ...everyType, version });
    expect(Object.fromEntries(metadata)).toEqual({
      uint8: 255,
      int8: -128,
      uint16: 65535,
      int16: -32768,
      uint32: 4294967295,
      int32: -2147483648,
      float32: 1.5,
      bool: true,
      string: "naïve ▁token 🦊",
      "string with a byte order mark": "\uFEFFx",
      "empty string": "",
      uint64: 2 ** 53 - 1,
      "uint64 beyond a double": 2n ** 64n - 1n,
      int64: -5,
      "int64 beyond a double": -(2n ** 63n),
      float64: Math.PI,
      uint8s: Uint8Array.of(1, 2, 255),
      int8s: Int8Array.of(-1),
      uint16s: Uint16Array.of(1, 65535),
      int16s: Int16Array.of(-1),
      uint32s: Uint32Array.of(4294967295),
      int32s: Int32Array.of(-1, 7),
      float32s: Float32Array.of(0.5, -0.25),
      float64s: Float64Array.of(Math.E),
      bools: [true, false],
      strings: ["a", "", "ß"],
      uint64s: [1, 2n ** 63n],
      "no elements": new Float32Array(0),
      nested: [Int32Array.of(1, 2), [["deep"]]],
    });
  });

  test("a model", async () => {
    const file = await open({ ...randomModel({ type: "Q8_0", tokenizer: "spm" }), version });
    expect(file.tensors.size).toBe(21);
    expect(file.tensors.get("blk.1.ffn_down.weight")).toMatchObject({ type: "Q8_0", shape: [64, 128], bytes: 8704 });
  });
});

test.each([1, 8, 32, 4096])("tensors begin at multiples of general.alignment = %i", async (alignment) => {
  const model = randomModel();
  const file = await open({ ...model, alignment });
  for (const tensor of file.tensors.values()) expect(tensor.offset % alignment).toBe(0);
  const { offset, bytes, source } = file.tensors.get("output_norm.weight")!;
  const written = model.tensors.find(({ name }) => name === "output_norm.weight")!;
  expect(Buffer.compare(await source.read(offset, bytes), Buffer.concat([...written.data()]))).toBe(0);
});

test("shapes are slow axis first", async () => {
  const shape = [2, 3, 5, 7];
  const data = () => [new Uint8Array(2 * 3 * 5 * 7 * 4)];
  const { tensors } = await open({ metadata: {}, tensors: [{ name: "t", type: "F32", shape, data }] });
  expect(tensors.get("t")?.shape).toEqual(shape);
});

test("a header is fetched in a few growing requests, and no tensor data with it", async () => {
  const tokens = Array.from({ length: 100_000 }, (_, i) => `token number ${i}`);
  const bytes = ggufBytes({ metadata: { tokens: gguf.array("string", tokens) }, tensors: randomModel().tensors });
  const requests: (readonly [offset: number, length: number])[] = [];
  const memory = memorySource(bytes);
  const { metadata, tensors } = await openWeights({
    ...memory,
    read(offset, length) {
      requests.push([offset, length]);
      return memory.read(offset, length);
    },
  });
  expect(JSON.stringify(metadata.get("tokens"))).toBe(JSON.stringify(tokens));
  const fetched = requests.reduce((sum, [, length]) => sum + length, 0);
  expect(requests.length).toBeLessThanOrEqual(5);
  expect(fetched).toBeLessThan(4 * tensors.get("token_embd.weight")!.offset);
});
