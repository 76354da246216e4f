// What the reference backend refuses while it loads.

import { expect, test } from "vitest";
import type { LoadProgress } from "../../../src/backends/backend";
import { createReferenceBackend } from "../../../src/backends/reference/index";
import type { TensorInfo, WeightsFile } from "../../../src/files/weights_file";
import { type RecordedModel, recordModel } from "../../../src/model/record";
import { openFixtureModel } from "../../support/files";

const options = { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 } as const;

async function nano(): Promise<RecordedModel & { readonly file: WeightsFile }> {
  const file = await openFixtureModel("nano/llama-nano-F32.gguf");
  return { ...recordModel(file), file };
}

/** The file with one tensor replaced. */
function changed(file: WeightsFile, name: string, change: (tensor: TensorInfo) => Partial<TensorInfo>): WeightsFile {
  const tensor = file.tensors.get(name)!;
  return { ...file, tensors: new Map([...file.tensors, [name, { ...tensor, ...change(tensor) }]]) };
}

test("progress ends with all bytes of the weights", async () => {
  const { graph, file, weights, config } = await nano();
  const reports: LoadProgress[] = [];
  const onProgress = (progress: LoadProgress) => void reports.push(progress);
  const backend = await createReferenceBackend({
    graph,
    file,
    vocab: config.vocab,
    options: { ...options, onProgress },
  });
  const bytes = weights.reduce((sum, { tensor }) => sum + tensor.bytes, 0);
  expect(reports.at(-1)).toEqual({ phase: "weights", bytesLoaded: bytes, bytesTotal: bytes });
  expect(backend.memory.weights).toBe(bytes); // an F32 file
});

test("NaN in a weight", async () => {
  const { graph, file, config } = await nano();
  const broken = changed(file, "blk.1.ffn_down.weight", ({ source }) => ({
    source: {
      ...source,
      async read(offset, length, signal) {
        const bytes = await source.read(offset, length, signal);
        new DataView(bytes.buffer).setFloat32(4 * 70, Number.NaN, true);
        return bytes;
      },
    },
  }));
  await expect(createReferenceBackend({ graph, file: broken, vocab: config.vocab, options })).rejects.toMatchObject({
    code: "tensor-not-finite",
    message: expect.stringMatching(/"blk\.1\.ffn_down\.weight".*element 70/s),
  });
});

test("more weights than fit as f32, before any is read", async () => {
  const { graph, file, config } = await nano();
  const huge = changed(file, "output.weight", ({ source }) => ({
    shape: [1 << 20, 1 << 10],
    source: { ...source, read: () => Promise.reject(new Error("read")) },
  }));
  await expect(createReferenceBackend({ graph, file: huge, vocab: config.vocab, options })).rejects.toMatchObject({
    code: "out-of-memory",
    message: expect.stringContaining("webgpu"),
  });
});

test("an aborted load", async () => {
  const { graph, file, config } = await nano();
  const signal = AbortSignal.abort();
  await expect(
    createReferenceBackend({ graph, file, vocab: config.vocab, options: { ...options, signal } }),
  ).rejects.toMatchObject({ code: "aborted" });
});
