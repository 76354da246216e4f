// What a decoded token costs, counted: the invariants of the hot loop. No timing.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GREEDY } from "../../kernels/sample/settings";
import { type Backend, LAST_TOKEN, type Row } from "../../src/backends/backend";
import { TestPages } from "../support/pages";
import { openParityFixture, type ParityFixture } from "../support/parity";
import { countersSince, webgpuBackend } from "../support/webgpu";

/** q, k and v; attention; o + residual; gate · up; down + residual. */
const DISPATCHES_PER_LAYER = 5;
/** Embedding, head, sampling. */
const DISPATCHES_AROUND = 3;

let fixture: ParityFixture;
let backend: Backend;
beforeAll(async () => {
  fixture = await openParityFixture("nano/qwen3-nano-F32");
  backend = await webgpuBackend(fixture);
});
afterAll(() => backend.dispose());

async function decode(slots: number, tokens: number, pages: TestPages, from: number): Promise<void> {
  for (let position = from; position < from + tokens; position++) {
    const rows = Array.from(
      { length: slots },
      (_, slot): Row => ({ slot, token: LAST_TOKEN, position, want: "token" }),
    );
    await backend.step({ rows, pages: rows.flatMap(({ slot }) => pages.grow(slot, position + 1)) });
  }
}

describe.each([1, 3])("decoding %d sequences", (slots) => {
  test("costs one submit, one pass, no objects and no writes but page tables", async () => {
    const pages = new TestPages(backend);
    for (let slot = 0; slot < slots; slot++) {
      backend.openSlot(slot, { generation: 1, sampler: { ...GREEDY, temperature: 0.8, seed: 1n }, history: [] });
      await backend.step({ rows: [{ slot, token: 5 + slot, position: 0, want: "token" }], pages: pages.grow(slot, 1) });
    }
    await decode(slots, 2, pages, 1); // pipelines for this number of rows
    const before = { ...backend.counters };
    const tokens = 64;
    await decode(slots, tokens, pages, 3);
    const counted = countersSince(before, backend.counters);

    const layers = fixture.config.layers;
    expect(counted).toEqual({
      submits: tokens,
      passes: tokens,
      dispatches: tokens * (DISPATCHES_PER_LAYER * layers + DISPATCHES_AROUND),
      bindGroups: 0,
      buffers: 0,
      pipelines: 0,
      pageWrites: (slots * tokens) / backend.pageTokens, // one per page and sequence
      batchWrites: 0,
      slotWrites: 0,
      otherWrites: 0,
      bytesRead: 8 * slots * tokens,
    });
  });
});
