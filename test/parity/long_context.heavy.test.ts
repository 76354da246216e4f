// Contexts longer than a split of attention, in whole models: decoding across the first boundary and far beyond it, with
// and without windows, against the reference; and equal bits beside another sequence that is short.

import { describe, expect, test } from "vitest";
import { SPLIT_TOKENS } from "../../kernels/common/batch";
import { GREEDY } from "../../kernels/sample/settings";
import type { Backend, Row } from "../../src/backends/backend";
import { createReferenceBackend } from "../../src/backends/reference/index";
import { memorySource } from "../../src/files/memory_source";
import { openWeights } from "../../src/files/open";
import type { WeightsFile } from "../../src/files/weights_file";
import { recordModel } from "../../src/model/record";
import { openFixtureModel } from "../support/files";
import { ggufBytes } from "../support/gguf_writer";
import { TestPages } from "../support/pages";
import { compareLogits } from "../support/parity";
import { randomModel } from "../support/random_model";
import { random32 } from "../support/random_weights";
import { countersSince, webgpuBackend } from "../support/webgpu";

const BOUND = 1e-9;
const CONTEXT = 1152;
/** Rows that are decoded one by one: around the first split's end, and around the second's. */
const DECODED = [SPLIT_TOKENS, 2 * SPLIT_TOKENS].map((end) => ({ first: end - 2, end: end + 3 }));

const models: readonly (readonly [name: string, open: () => Promise<WeightsFile>])[] = [
  [
    "head norms, two query heads a key head",
    () =>
      openWeights(
        memorySource(ggufBytes(randomModel({ architecture: "qwen3", context: CONTEXT, seed: 3 })), "long.gguf"),
      ),
  ],
  ["windows, sandwich norms", () => openFixtureModel("nano/gemma3-nano-F16.gguf")],
];

/** Prefills up to each range and decodes it. @returns The logits of the decoded rows. */
async function decodedLogits(backend: Backend, tokens: readonly number[]): Promise<Float32Array[]> {
  const pages = new TestPages(backend);
  backend.openSlot(0, { generation: 1, sampler: GREEDY, history: [] });
  const logits: Float32Array[] = [];
  const run = async (from: number, end: number, want: Row["want"]): Promise<void> => {
    const rows = tokens.slice(from, end).map((token, i): Row => ({ slot: 0, token, position: from + i, want }));
    const outputs = await backend.step({ rows, pages: pages.grow(0, end) });
    for (const output of outputs) if (output.want === "logits") logits.push(output.logits);
  };
  let at = 0;
  for (const { first, end } of DECODED) {
    for (; at < first; at += 64) await run(at, Math.min(at + 64, first), "nothing");
    for (at = first; at < end; at++) await run(at, at + 1, "logits");
  }
  return logits;
}

describe.each(models)("%s", (name, open) => {
  test("decoding across splits gives the reference's logits", async () => {
    const file = await open();
    const recorded = recordModel(file);
    const { vocab } = recorded.config;
    const next = random32(9);
    const tokens = Array.from({ length: CONTEXT }, () => next() % vocab);
    const options = { precision: "exact", kv: "f32", kvTokens: CONTEXT, context: CONTEXT, slots: 1 } as const;
    const reference = await createReferenceBackend({ file, ...recorded, vocab, options });
    const want = await decodedLogits(reference, tokens);
    const backend = await webgpuBackend({ file, ...recorded }, { slots: 1, context: CONTEXT });
    const got = await decodedLogits(backend, tokens);
    const flat = (rows: readonly Float32Array[]) => Float32Array.from(rows.flatMap((row) => [...row]));
    const { nmse, top1 } = compareLogits(flat(got), flat(want), vocab);
    console.info(`${name}, contexts to ${DECODED.at(-1)!.end}: nmse ${nmse.toExponential(2)}, bound ${BOUND}`);
    expect(nmse).toBeLessThan(BOUND);
    expect(top1).toBe(1);
    backend.dispose();
    reference.dispose();
  });

  test("a short sequence has the same bits beside a long one, which costs a dispatch a layer more", async () => {
    const file = await open();
    const recorded = recordModel(file);
    const { vocab, layers } = recorded.config;
    const backend = await webgpuBackend({ file, ...recorded }, { slots: 2, context: CONTEXT });
    const pages = new TestPages(backend);
    const short: Row = { slot: 0, token: 7 % vocab, position: 0, want: "logits" };
    const start = (slot: number) => backend.openSlot(slot, { generation: 1, sampler: GREEDY, history: [] });
    const logitsOfShort = async (others: readonly Row[], end: number) => {
      start(0);
      const opened = [...pages.grow(0, 1), ...pages.grow(1, end)];
      const before = { ...backend.counters };
      const outputs = await backend.step({ rows: [short, ...others], pages: opened });
      const [first] = outputs;
      if (first?.want !== "logits") throw new Error("expected logits");
      return { bits: new Uint32Array(first.logits.slice().buffer), counted: countersSince(before, backend.counters) };
    };
    const alone = await logitsOfShort([], 0);
    start(1);
    for (let at = 0; at < SPLIT_TOKENS; at += 64) {
      const rows = Array.from(
        { length: 64 },
        (_, i): Row => ({ slot: 1, token: 3, position: at + i, want: "nothing" }),
      );
      await backend.step({ rows, pages: pages.grow(1, at + 64) });
    }
    const long: Row = { slot: 1, token: 3, position: SPLIT_TOKENS, want: "logits" };
    const beside = await logitsOfShort([long], SPLIT_TOKENS + 1);
    expect(beside.bits).toEqual(alone.bits);
    expect(beside.counted.dispatches - alone.counted.dispatches).toBe(layers);
    backend.dispose();
  });
});
