// What the onnx backend refuses while it loads, what it says of itself, and pages that outlive their slot's sequence.

import { expect, test } from "vitest";
import { GREEDY } from "../../../kernels/sample/settings";
import type { Backend, LoadProgress, PageWrite } from "../../../src/backends/backend";
import { createOnnxBackend, type OnnxOptions } from "../../../src/backends/onnx/index";
import { packBlocks } from "../../../src/backends/onnx/weight_forms";
import type { TensorInfo, WeightsFile } from "../../../src/files/weights_file";
import { TestPages } from "../../support/pages";
import { openParityFixture, type ParityFixture } from "../../support/parity";
import { feed, lastLogits, rowsOf } from "../../support/steps";

const OPTIONS = { precision: "exact", kv: "f32", kvTokens: 256, context: 128, slots: 2 } as const;

interface Changes {
  readonly sizes?: { readonly kvTokens: number; readonly context: number; readonly slots: number };
  readonly change?: (tensor: TensorInfo) => Partial<TensorInfo>;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

async function nano({ change = () => ({}), sizes, ...more }: Changes = {}, options?: OnnxOptions) {
  const fixture: ParityFixture = await openParityFixture("nano/llama-nano-F32");
  const tensors = new Map([...fixture.file.tensors].map(([name, tensor]) => [name, { ...tensor, ...change(tensor) }]));
  const file: WeightsFile = { ...fixture.file, tensors };
  const { graph, config } = fixture;
  const make = () =>
    createOnnxBackend({ graph, file, vocab: config.vocab, options: { ...OPTIONS, ...sizes, ...more } }, options);
  return { fixture, make };
}

test("progress ends with all bytes, in steps of the parts", async () => {
  const reports: LoadProgress[] = [];
  const { make } = await nano({ onProgress: (progress) => void reports.push(progress) }, { partBytes: 10_000 });
  const backend = await make();
  backend.dispose();
  const last = reports.at(-1)!;
  expect(last).toEqual({ phase: "weights", bytesLoaded: last.bytesTotal, bytesTotal: backend.memory.weights });
  expect(reports.length).toBeGreaterThan(5);
});

test("a model that fits no form is refused before a weight is read", async () => {
  const read = () => Promise.reject(new Error("a weight was read"));
  const { make } = await nano({ change: ({ source }) => ({ source: { ...source, read } }) }, { weightBudget: 100_000 });
  await expect(make()).rejects.toMatchObject({
    code: "out-of-memory",
    message: expect.stringMatching(/llama-nano.*without WebGPU.*MiB.*Q8_0/s),
  });
});

test("NaN in a matrix, in the embedding table", async () => {
  for (const name of ["blk.1.ffn_down.weight", "token_embd.weight"]) {
    const { make } = await nano({
      change: ({ name: own, source }) =>
        own !== name
          ? {}
          : {
              source: {
                ...source,
                async read(offset, length, signal) {
                  const bytes = await source.read(offset, length, signal);
                  new DataView(bytes.buffer, bytes.byteOffset).setFloat32(4 * 70, Number.NaN, true);
                  return bytes;
                },
              },
            },
    });
    await expect(make()).rejects.toMatchObject({ code: "tensor-not-finite", message: expect.stringContaining(name) });
  }
});

test("an abort while weights are read", async () => {
  const controller = new AbortController();
  const { make } = await nano({ signal: controller.signal, onProgress: () => controller.abort() });
  await expect(make()).rejects.toThrow(/abort/i);
});

test("a page kept from a slot's former sequence serves another slot", async () => {
  const { fixture, make } = await nano();
  const backend = await make();
  const open = (slot: number) => backend.openSlot(slot, { generation: 1, sampler: GREEDY, history: [] });
  const first = [...fixture.tokens, ...fixture.tokens].slice(0, 40);
  open(0);
  const wanted = lastLogits(await feed(backend, first, { slot: 0, chunk: 64 }));

  // Slot 0 takes a new sequence on other pages; then slot 1 begins with the kept page of the former one.
  const other = first.map((token) => (token + 1) % fixture.config.vocab);
  open(0);
  await backend.step({ rows: rowsOf(other, { slot: 0 }), pages: mapped(0, [4, 5]) });
  open(1);
  const rows = rowsOf(first, { slot: 1, from: backend.pageTokens });
  const got = await backend.step({ rows, pages: mapped(1, [new TestPages(backend).pageOf(0, 0, 0), 6]) });
  expect(lastLogits(got)).toEqual(wanted);
  backend.dispose();
});

function mapped(slot: number, pages: readonly number[]): PageWrite[] {
  return pages.map((page, index) => ({ group: 0, slot, index, page }));
}

test("a page that was never written, a page that is not mapped", async () => {
  const { make } = await nano();
  const backend: Backend = await make();
  const step = (pages: PageWrite[]) => {
    backend.openSlot(0, { generation: 1, sampler: GREEDY, history: [] });
    return backend.step({ rows: rowsOf(Array(40).fill(1), { slot: 0, from: 33 }), pages });
  };
  await expect(step(mapped(0, [0]))).rejects.toMatchObject({ code: "invalid-argument" });
  await expect(step(mapped(0, [0, 1]))).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("never written"),
  });
  backend.dispose();
});

// Three conversations of 200 tokens, one after the other, where all together may hold 256. The third begins with a page of
// the first, whose buffers it takes: the page was stored before.
test("a slot's buffers make room for another's, and its kept page goes on", async () => {
  const { fixture, make } = await nano({ sizes: { kvTokens: 256, context: 256, slots: 3 } });
  const tokens = (seed: number) => Array.from({ length: 200 }, (_, i) => (7 * i + seed) % fixture.config.vocab);
  const begun = [...tokens(1).slice(0, 32), ...tokens(3).slice(32)];
  const run = async (backend: Backend, slot: number, ids: readonly number[], pages: readonly number[]) => {
    backend.openSlot(slot, { generation: 1, sampler: GREEDY, history: [] });
    return lastLogits(await backend.step({ rows: rowsOf(ids, { slot }), pages: mapped(slot, pages) }));
  };
  const goOn = async (backend: Backend, slot: number, pages: readonly number[]) => {
    const rows = rowsOf(begun.slice(32), { slot, from: 32 });
    return lastLogits(await backend.step({ rows, pages: mapped(slot, pages) }));
  };

  const alone = await make();
  await run(alone, 0, begun.slice(0, 32), [0]);
  const wanted = await goOn(alone, 0, [0, 1, 2, 3, 4, 5, 6]);
  alone.dispose();

  const backend = await make();
  await run(backend, 0, tokens(1), [0, 1, 2, 3, 4, 5, 6]);
  await run(backend, 1, tokens(2), [7, 8, 9, 1, 2, 3, 4]);
  const before = backend.memory.kv;
  backend.openSlot(2, { generation: 1, sampler: GREEDY, history: [] });
  expect(await goOn(backend, 2, [0, 5, 6, 1, 2, 3, 4])).toEqual(wanted);
  const page = before / 16; // two buffers of 256 rows
  expect(backend.memory.kv).toBeLessThanOrEqual(before + 4 * page); // no third pair of buffers
  backend.dispose();
});

test("blocks of 4 and 8 bits as MatMulNBits reads them", () => {
  // Scale 0.5 in f16, then the values; elements i and i + 16 share byte i of a Q4_0 block.
  const low = Array.from({ length: 16 }, (_, i) => i | ((15 - i) << 4));
  const q4 = Uint8Array.of(0x00, 0x38, ...low);
  const values = new Uint8Array(16);
  const scales = new Float32Array(1);
  packBlocks("int4", q4, values, scales);
  expect(scales[0]).toBe(0.5);
  const elements = [...values].flatMap((byte) => [byte & 15, byte >> 4]);
  expect(elements).toEqual([
    ...Array.from({ length: 16 }, (_, i) => i),
    ...Array.from({ length: 16 }, (_, i) => 15 - i),
  ]);

  const q8 = Uint8Array.of(0x00, 0x38, ...Int8Array.from({ length: 32 }, (_, i) => 8 * (i - 16)));
  const bytes = new Uint8Array(32);
  packBlocks(
    "int8",
    q8.map((byte) => byte & 0xff),
    bytes,
    scales,
  );
  expect([...bytes]).toEqual(Array.from({ length: 32 }, (_, i) => 128 + 8 * (i - 16)));
});
