// An embedding that no single binding holds: 262,144 x 640 in F16 is 335 MB, over lavapipe's 128 MiB per binding. It must
// load in parts, with little on the JS heap, and give the right logits. (Grids past 65,535 workgroups are kernel cases.)
// In Node only: the heap is measured and the file lies on disk.

import { afterAll, expect, test } from "vitest";
import { createReferenceBackend } from "../../src/backends/reference/index";
import { memorySource } from "../../src/files/memory_source";
import { openNodeFile } from "../../src/files/node_file";
import { openWeights } from "../../src/files/open";
import type { TensorInfo, WeightsFile } from "../../src/files/weights_file";
import { recordModel } from "../../src/model/record";
import { temporaryFolder, writeGgufFile } from "../support/gguf_file";
import { HEAP_LIMIT, heapGrowth } from "../support/heap";
import { compareLogits, logitsOf } from "../support/parity";
import { randomModel } from "../support/random_model";
import { webgpuBackend } from "../support/webgpu";

const VOCAB = 262_144;
const EMBEDDING = "token_embd.weight";

const folder = await temporaryFolder();
afterAll(() => folder.remove());

/** The same model with a vocabulary of the given ids only, small enough for the reference backend. */
async function withVocabulary(file: WeightsFile, ids: readonly number[]): Promise<WeightsFile> {
  const embedding = file.tensors.get(EMBEDDING)!;
  const rowBytes = embedding.bytes / VOCAB;
  const rows = new Uint8Array(rowBytes * ids.length);
  for (const [at, id] of ids.entries())
    rows.set(await embedding.source.read(embedding.offset + id * rowBytes, rowBytes), at * rowBytes);
  const picked: TensorInfo = {
    ...embedding,
    shape: [ids.length, embedding.shape[1]!],
    offset: 0,
    bytes: rows.length,
    source: memorySource(rows, "picked rows"),
  };
  const metadata = new Map(file.metadata);
  metadata.delete("llama.vocab_size");
  return { ...file, metadata, tensors: new Map([...file.tensors, [EMBEDDING, picked]]) };
}

test("a 335 MB embedding loads in parts and its logits agree with the reference on sampled rows", async () => {
  const path = folder.file("large.gguf");
  const shape = {
    layers: 1,
    dim: 640,
    heads: 4,
    kvHeads: 1,
    headDim: 64,
    hidden: 256,
    vocab: VOCAB,
    type: "F16",
    tied: true,
  };
  await writeGgufFile(path, randomModel({ ...shape, seed: 7 }));
  const file = await openWeights(await openNodeFile(path));
  const model = recordModel(file);

  const { result: backend, growth } = await heapGrowth((look) =>
    webgpuBackend({ file, ...model }, { slots: 4, context: 64, onProgress: look }),
  );
  console.info(
    `JS heap at most ${(growth / 2 ** 20).toFixed(1)} MiB over the start while ${file.bytes} bytes were loaded`,
  );
  expect(growth).toBeLessThan(HEAP_LIMIT);
  expect(backend.memory.weights).toBeLessThan(file.bytes * 1.02);
  expect(backend.memory.other).toBeLessThan(64 << 20);

  // Token ids and compared rows on both sides of every part's edge.
  const ids = [0, 3, 65_535, 65_536, 104_831, 104_832, 131_071, 131_072, 209_663, 209_664, 262_142, 262_143];
  const small = await withVocabulary(file, ids);
  const reference = await createReferenceBackend({
    file: small,
    ...recordModel(small),
    vocab: ids.length,
    options: { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 },
  });
  const want = await logitsOf(
    reference,
    ids.map((_, at) => at),
    16,
  );
  const got = await logitsOf(backend, ids, 16);
  const sampled = Float32Array.from(
    { length: want.length },
    (_, i) => got[Math.floor(i / ids.length) * VOCAB + ids[i % ids.length]!]!,
  );
  const { nmse } = compareLogits(sampled, want, ids.length);
  console.info(`large embedding: nmse ${nmse.toExponential(2)}, bound 1e-9`);
  expect(nmse).toBeLessThan(1e-9);
  backend.dispose();
  file.dispose();
});
