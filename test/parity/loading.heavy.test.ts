// What the webgpu backend refuses while it loads, and what it gives back then.

import { expect, test } from "vitest";
import { GREEDY } from "../../kernels/sample/settings";
import { memorySource } from "../../src/files/memory_source";
import { openWeights } from "../../src/files/open";
import type { ByteSource, WeightsFile } from "../../src/files/weights_file";
import { recordModel } from "../../src/model/record";
import { ggufBytes } from "../support/gguf_writer";
import { randomModel } from "../support/random_model";
import { webgpuBackend } from "../support/webgpu";

const shape = { layers: 1, dim: 256, heads: 4, kvHeads: 2, hidden: 256, vocab: 320, embedType: "F16" } as const;

/** A small file with bytes of one tensor overwritten. */
async function damaged(type: string, tensor: string, at: number, bytes: readonly number[]): Promise<WeightsFile> {
  const whole = ggufBytes(randomModel({ ...shape, type }));
  const { offset } = (await openWeights(memorySource(whole))).tensors.get(tensor)!;
  whole.set(bytes, offset + at);
  return openWeights(memorySource(whole, `damaged-${type}.gguf`));
}

const HALF_NAN = [0x00, 0x7e];
const HALF_INF = [0x00, 0x7c];

test.each([
  ["Q8_0", "blk.0.ffn_up.weight", 34 * 100, HALF_NAN],
  ["Q4_0", "blk.0.attn_q.weight", 18 * 77, HALF_INF],
  ["Q4_K", "blk.0.ffn_down.weight", 144 * 5 + 2, HALF_NAN],
  ["Q6_K", "blk.0.ffn_gate.weight", 210 * 6 + 208, HALF_NAN],
  ["F16", "blk.0.attn_output.weight", 2 * 1001, HALF_INF],
  ["F32", "blk.0.attn_norm.weight", 4 * 9, [0, 0, 0xc0, 0x7f]],
] as const)("%s: a scale or weight that is no number, in %s", async (type, tensor, at, bytes) => {
  const file = await damaged(type, tensor, at, bytes);
  await expect(webgpuBackend({ file, ...recordModel(file) }, { slots: 1 })).rejects.toMatchObject({
    name: "FennecError",
    code: "tensor-not-finite",
    message: expect.stringContaining(`"${tensor}"`),
  });
});

/** A source whose bytes end, or whose reader gives up, after some reads. */
function failing(source: ByteSource, after: number, fail: () => void): ByteSource {
  let left = after;
  return {
    ...source,
    async *stream(offset, length, signal) {
      for await (const chunk of source.stream(offset, length, signal)) {
        if (left-- === 0) fail();
        signal?.throwIfAborted();
        yield chunk;
      }
    },
  };
}

test("a source that fails half way gives its own error", async () => {
  const whole = memorySource(ggufBytes(randomModel({ ...shape, type: "Q8_0" })), "half.gguf");
  const file = await openWeights(whole);
  const source = failing(whole, 3, () => {
    throw new Error("the disk went away");
  });
  const tensors = new Map([...file.tensors].map(([name, tensor]) => [name, { ...tensor, source }]));
  const loading = webgpuBackend({ ...recordModel(file), file: { ...file, tensors } }, { slots: 1 });
  await expect(loading).rejects.toThrow("the disk went away");
});

test("steps after dispose are refused, those in flight end", async () => {
  const file = await openWeights(memorySource(ggufBytes(randomModel({ ...shape, type: "Q4_0" }))));
  const backend = await webgpuBackend({ file, ...recordModel(file) }, { slots: 1 });
  backend.openSlot(0, { generation: 1, sampler: GREEDY, history: [] });
  const rows = [{ slot: 0, token: 1, position: 0, want: "token" }] as const;
  const flying = backend.step({ rows, pages: [{ group: 0, slot: 0, index: 0, page: 0 }] }).then(
    () => "done",
    (error: { code?: string }) => error.code,
  );
  backend.dispose();
  expect(["done", "disposed"]).toContain(await flying);
  await expect(backend.step({ rows })).rejects.toMatchObject({ code: "disposed" });
  expect(await backend.lost).toMatchObject({ reason: expect.any(String) });
});
