// The GGUF reader on damaged and hostile files: one FennecError each, soon, and nothing allocated from a claim alone.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ErrorCode, FennecError } from "../../../src/errors";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import type { ByteSource } from "../../../src/files/weights_file";
import { expectFennecError } from "../../support/expect_error";
import { type GgufFile, type GgufTensor, gguf, ggufBytes } from "../../support/gguf_writer";
import { randomModel } from "../../support/random_model";
import { random32 } from "../../support/random_weights";

const nano = readFileSync(new URL("../../fixtures/nano/qwen2-nano-F16.gguf", import.meta.url));

/** A small file with all that a header has, for the many mutations. */
const small = ggufBytes(randomModel({ layers: 1, dim: 32, heads: 2, kvHeads: 1, hidden: 32, tokenizer: "spm" }));
const smallHeaderBytes = (await openWeights(memorySource(small))).tensors.get("token_embd.weight")!.offset;

/** Metadata, then tensor entries: everything before the data. */
const tensor = (name: string, claim?: GgufTensor["claim"]): GgufTensor => ({
  name,
  type: "F32",
  shape: [2, 8],
  data: () => [new Uint8Array(64)],
  ...(claim ? { claim } : {}),
});
const withTensors = (...tensors: GgufTensor[]): GgufFile => ({ metadata: {}, tensors });
const withValue = (value: GgufFile["metadata"][string]): GgufFile => ({ metadata: { key: value }, tensors: [] });

/** The bytes with a little-endian u64 written over them. */
function patch64(bytes: Uint8Array<ArrayBuffer>, at: number, value: bigint): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  new DataView(copy.buffer).setBigUint64(at, value, true);
  return copy;
}

/** Where a one-key header has its parts: magic, version, two counts, key length, "key", type. */
const VALUE_AT = 24 + 8 + 3 + 4;

const HUGE = 2n ** 60n;

type Case = readonly [name: string, bytes: Uint8Array, code: ErrorCode, word?: string];

const cases: readonly Case[] = [
  ["nothing", new Uint8Array(0), "file-truncated"],
  ["three bytes", new Uint8Array(3), "file-truncated"],
  ["only the magic", Buffer.from("GGUF"), "file-truncated"],
  ["zeros", new Uint8Array(1000), "file-corrupt", "00 00 00 00"],
  ["a web page", Buffer.from("<!DOCTYPE html><html>not here</html>"), "file-corrupt", "web page"],
  ["a Git LFS pointer", Buffer.from("version https://git-lfs.github.com/spec/v1\noid"), "file-corrupt", "LFS"],
  ["safetensors", Buffer.from('\x10\0\0\0\0\0\0\0{"a":{}}        ', "latin1"), "file-unsupported", "safetensors"],
  ["a PyTorch checkpoint", Buffer.from("PK\x03\x04 and more bytes than that"), "file-unsupported", "PyTorch"],
  ["ggml before GGUF", Buffer.from("tjgg\x03\0\0\0        "), "file-unsupported", "before GGUF"],
  ["wrong magic", ggufBytes({ ...withTensors(), claim: { magic: "GGUG" } }), "file-corrupt", "47 47 55 47"],
  ["version 1", ggufBytes({ ...withTensors(), version: 1 }), "file-unsupported", "version 1"],
  ["version 4", ggufBytes({ ...withTensors(), version: 4 }), "file-unsupported", "version 4"],
  ["big-endian", ggufBytes({ ...withTensors(), version: 0x03000000 }), "file-unsupported", "big-endian"],
  ["2^60 tensors", ggufBytes({ ...withTensors(), claim: { tensorCount: HUGE } }), "file-corrupt", String(HUGE)],
  ["2^60 keys", ggufBytes({ ...withTensors(), claim: { metadataCount: HUGE } }), "file-corrupt", String(HUGE)],
  ["2^64 - 1 keys", ggufBytes({ ...withTensors(), claim: { metadataCount: 2n ** 64n - 1n } }), "file-corrupt"],
  ["more tensors than bytes", ggufBytes({ ...withTensors(), claim: { tensorCount: 1000n } }), "file-truncated", "1000"],
  ["more keys than bytes", ggufBytes({ ...withTensors(), claim: { metadataCount: 1000n } }), "file-truncated"],
  ["a key of 2^60 bytes", patch64(ggufBytes(withValue(gguf.u32(1))), 24, HUGE), "file-corrupt", "metadata key"],
  ["an empty key", ggufBytes({ metadata: { "": gguf.u32(1) }, tensors: [] }), "file-corrupt", "empty"],
  ["a string of 2^60 bytes", patch64(ggufBytes(withValue(gguf.string(""))), VALUE_AT, HUGE), "file-corrupt", '"key"'],
  ["a string past the end", patch64(ggufBytes(withValue(gguf.string(""))), VALUE_AT, 5000n), "file-truncated"],
  ["an array of 2^60", patch64(ggufBytes(withValue(gguf.array("string", []))), VALUE_AT + 4, HUGE), "file-corrupt"],
  [
    "an array of 16 million empty strings in 100 bytes",
    patch64(ggufBytes(withValue(gguf.array("string", []))), VALUE_AT + 4, 2n ** 24n),
    "file-truncated",
  ],
  ["arrays 5 deep", ggufBytes(withValue(nested(5))), "file-corrupt", "deep"],
  ["a value type 13", patch64(ggufBytes(withValue(gguf.u32(0))), VALUE_AT - 4, 13n), "file-corrupt", "13"],
  [
    "a boolean of 2",
    patch64(ggufBytes(withValue(gguf.u64(0))), VALUE_AT - 4, 7n + (2n << 32n)),
    "file-corrupt",
    "is 2",
  ],
  ["a key that is not UTF-8", notUtf8(ggufBytes(withValue(gguf.u32(1)))), "file-corrupt", "UTF-8"],
  ["a key twice", keyTwice(), "file-corrupt", '"key" appears twice'],
  ["alignment 0", ggufBytes({ metadata: { "general.alignment": gguf.u32(0) }, tensors: [] }), "file-corrupt"],
  ["alignment 33", ggufBytes({ metadata: { "general.alignment": gguf.u32(33) }, tensors: [] }), "file-corrupt", "33"],
  ["alignment 2^31", ggufBytes({ metadata: { "general.alignment": gguf.u32(2 ** 31) }, tensors: [] }), "file-corrupt"],
  [
    "alignment of text",
    ggufBytes({ metadata: { "general.alignment": gguf.string("32") }, tensors: [] }),
    "file-corrupt",
  ],
  [
    "a split model",
    ggufBytes({ metadata: { "split.count": gguf.u32(3) }, tensors: [] }),
    "file-unsupported",
    "3 parts",
  ],
  ["a tensor twice", ggufBytes(withTensors(tensor("a"), tensor("a"))), "file-corrupt", 'tensor "a" appears twice'],
  [
    "two tensors at one place",
    ggufBytes(withTensors(tensor("a"), tensor("b", { offset: 0 }))),
    "file-corrupt",
    "overlap",
  ],
  [
    "a tensor into the next",
    ggufBytes(withTensors(tensor("a"), tensor("b", { offset: 32 }))),
    "file-corrupt",
    "overlap",
  ],
  ["an offset off the grid", ggufBytes(withTensors(tensor("a", { offset: 4 }))), "file-corrupt", "multiple of 32"],
  ["an offset past the end", ggufBytes(withTensors(tensor("a", { offset: 1 << 20 }))), "file-truncated", '"a"'],
  ["an offset of 2^60", ggufBytes(withTensors(tensor("a", { offset: HUGE }))), "file-corrupt", String(HUGE)],
  ["an offset that wraps", ggufBytes(withTensors(tensor("a", { offset: 2n ** 64n - 32n }))), "file-corrupt"],
  ["an axis of 2^60", ggufBytes(withTensors(tensor("a", { shape: [HUGE, 8n] }))), "file-corrupt", String(HUGE)],
  ["a product of axes of 2^64", ggufBytes(withTensors(tensor("a", { shape: [2n ** 32n, 2n ** 32n] }))), "file-corrupt"],
  ["a shape larger than the file", ggufBytes(withTensors(tensor("a", { shape: [4096n, 8n] }))), "file-truncated"],
  ["an axis of 0", ggufBytes(withTensors(tensor("a", { shape: [0n, 8n] }))), "file-corrupt", "[0, 8]"],
  ["no axes", ggufBytes(withTensors(tensor("a", { shape: [] }))), "file-corrupt", "0 axes"],
  ["five axes", ggufBytes(withTensors(tensor("a", { shape: [1n, 1n, 1n, 1n, 1n] }))), "file-corrupt", "5 axes"],
  ["rows of half a block", ggufBytes(withTensors(tensor("a", { type: 8, shape: [2n, 48n] }))), "file-corrupt", "Q8_0"],
  ["an unknown weight type", ggufBytes(withTensors(tensor("a", { type: 142 }))), "file-unsupported", "142"],
  ["a removed weight type", ggufBytes(withTensors(tensor("a", { type: 31 }))), "file-unsupported", "Q4_0_4_4"],
  ["a tensor without a name", ggufBytes(withTensors(tensor(""))), "file-corrupt", "empty"],
  ["a name of 2,000 bytes", ggufBytes(withTensors(tensor("a".repeat(2000)))), "file-corrupt", "2000"],
];

function nested(depth: number): GgufFile["metadata"][string] {
  return depth === 1 ? gguf.array("int32", [1]) : gguf.arrays([nested(depth - 1)]);
}

function notUtf8(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
  const copy = bytes.slice();
  copy[32] = 0xff;
  return copy;
}

function keyTwice(): Uint8Array {
  const bytes = ggufBytes({ metadata: { key: gguf.u32(1), kex: gguf.u32(2) }, tensors: [] });
  const second = Buffer.from(bytes).indexOf("kex");
  bytes[second + 2] = "y".charCodeAt(0);
  return bytes;
}

for (const [name, bytes, code, word = "memory"] of cases) {
  test(name, () => expectFennecError(() => openWeights(bounded(bytes)), code, word));
}

test("names from the file come into messages short, on one line and without escape codes", async () => {
  const name = `\u001b[31mred\n"\u202e${"x".repeat(900)}`;
  const file = ggufBytes(withTensors(tensor(name, { offset: 4 })));
  const { message } = await expectFennecError(() => openWeights(bounded(file)), "file-corrupt");
  expect(message).toContain('tensor "\\u{1b}[31mred\\u{a}\\"\\u{202e}xxx');
  expect(message).not.toMatch(/\p{C}/u);
  expect(message.length).toBeLessThan(300);
});

/** A source that fails the test when more is asked of it than it has: what a reader allocates it has read before. */
function bounded(bytes: Uint8Array): ByteSource & { readonly asked: () => number } {
  const memory = memorySource(bytes);
  let asked = 0;
  return {
    ...memory,
    asked: () => asked,
    async read(offset, length, signal) {
      asked += length;
      if (asked > 2 * bytes.length + 64) throw new Error(`Read ${asked} bytes of a file of ${bytes.length}.`);
      return memory.read(offset, length, signal);
    },
  };
}

test("cut at every 1,000th byte", async () => {
  for (let length = 0; length < nano.length; length += 1000) {
    await expectFennecError(() => openWeights(bounded(nano.subarray(0, length))), "file-truncated");
  }
});

test("cut at every byte of the first 2,000", async () => {
  for (let length = 0; length < 2000; length++) {
    await expectFennecError(() => openWeights(bounded(nano.subarray(0, length))), "file-truncated");
  }
});

describe("10,000 seeded mutations of a header", () => {
  /** Values that break arithmetic, written over 1 to 4 places; or random bytes, or a cut. */
  const nasty = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, HUGE, 2n ** 63n, 2n ** 64n - 1n];

  function mutate(seed: number): Uint8Array {
    const next = random32(seed);
    const bytes = small.slice();
    const view = new DataView(bytes.buffer);
    const places = 1 + (next() % 4);
    for (let i = 0; i < places; i++) {
      // half of the mutations in the first bytes, where the counts are, or in the tensor entries, where offsets are
      const region = next() % 4;
      const at =
        region === 0
          ? next() % 64
          : region === 1
            ? smallHeaderBytes - 8 - (next() % 700)
            : next() % (smallHeaderBytes - 8);
      const kind = next() % 3;
      if (kind === 0) bytes[at] = next() & 255;
      else if (kind === 1) view.setBigUint64(at, nasty[next() % nasty.length]!, true);
      else view.setUint32(at, next(), true);
    }
    return next() % 8 === 0 ? bytes.subarray(0, next() % bytes.length) : bytes;
  }

  test.each(Array.from({ length: 10 }, (_, i) => i))(
    "thousand %i: a file or a FennecError, nothing else",
    async (thousand) => {
      let refused = 0;
      for (let seed = thousand * 1000; seed < (thousand + 1) * 1000; seed++) {
        const source = bounded(mutate(seed));
        try {
          const file = await openWeights(source);
          for (const { offset, bytes } of file.tensors.values()) {
            if (!(offset >= 0 && bytes > 0 && offset + bytes <= source.size))
              throw new Error(`seed ${seed}: out of range`);
          }
        } catch (error) {
          refused += 1;
          if (!(error instanceof FennecError)) throw new Error(`seed ${seed}: threw ${error}`, { cause: error });
          expect(["file-corrupt", "file-truncated", "file-unsupported"], `seed ${seed}`).toContain(error.code);
          expect(error.message.length, `seed ${seed}`).toBeLessThan(600);
        }
      }
      expect(refused).toBeGreaterThan(500); // the mutations do hit what matters
    },
  );
});

test("an array longer than the file can hold is refused before the file is fetched", async () => {
  const tokens = Array.from({ length: 300_000 }, () => "x");
  const bytes = ggufBytes(withValue(gguf.array("string", tokens)));
  const source = bounded(patch64(bytes, VALUE_AT + 4, 1_000_000n));
  await expectFennecError(() => openWeights(source), "file-truncated");
  expect(source.asked()).toBeLessThan(bytes.length / 4);
});

test("a failed opening disposes the source", async () => {
  let disposed = false;
  const source = { ...memorySource(new Uint8Array(100)), dispose: () => (disposed = true) };
  await expectFennecError(() => openWeights(source), "file-corrupt");
  expect(disposed).toBe(true);
});

test("abort while the header is read", async () => {
  await expectFennecError(() => openWeights(memorySource(nano), AbortSignal.abort()), "aborted");
});
