// Fifty conversations, one after the other, leave nothing behind: neither in the wasm heap, which never shrinks, nor in
// JavaScript's. Each has its own prompt, so that none lives on another's pages.

import { expect, test } from "vitest";
import { mostRows } from "../../../src/backends/onnx/kv";
import { load } from "../../../src/load";
import { readFixture } from "../../support/files";
import { settledHeap } from "../../support/heap";
import { openParityFixture } from "../../support/parity";

const CONVERSATIONS = 50;
const SIZES = { context: 128, kvTokens: 256, slots: 2 };
/** After so many every page and buffer has been used, and code is compiled. */
const WARM = 10;

/** Bytes. A leak of each conversation's keys and values, or of its logits, would be several MB. */
const GROWTH = 1 << 20;

test("memory is flat over fifty conversations", async () => {
  const engine = await load(await readFixture("nano/llama-nano-F32.gguf"), {
    backend: "onnx",
    ...SIZES,
  });
  const { vocab } = engine.model;
  const used: { heap: number; wasm: number; kv: number }[] = [];
  for (let conversation = 0; conversation < CONVERSATIONS; conversation++) {
    let history = Array.from({ length: 20 }, (_, i) => (conversation * 31 + i * 7) % vocab);
    for (let turn = 0; turn < 2; turn++) {
      const options = { maxTokens: 12, temperature: 1, seed: conversation, ignoreStopTokens: true };
      const { tokens } = await engine.generate(history, options).result;
      history = [...history, ...tokens, (conversation + turn) % vocab];
    }
    if (conversation < WARM || conversation % 10 !== 9) continue;
    const heap = await settledHeap();
    const { kv, other } = engine.backend.memory;
    used.push({ heap, wasm: other, kv });
  }
  engine.dispose();
  const [first, ...later] = used;
  console.info(used.map(({ heap, wasm, kv }) => `JS ${heap}, wasm beside ${wasm}, keys and values ${kv}`).join("; "));
  const { graph } = await openParityFixture("nano/llama-nano-F32");
  const rowBytes = graph.caches.reduce((sum, { kvHeads, headDim }) => sum + 8 * kvHeads * headDim, 0);
  const pages = SIZES.kvTokens + engine.backend.limits.slots * 32;
  expect(later.length).toBeGreaterThanOrEqual(3);
  for (const { heap, wasm, kv } of later) {
    expect(wasm).toBe(first!.wasm);
    expect(kv).toBeLessThanOrEqual(rowBytes * (mostRows(SIZES) + pages));
    expect(heap - first!.heap).toBeLessThan(GROWTH);
  }
});
