import { PAGE_TOKENS } from "../common/batch";
import type { CacheType } from "../common/kv";
import { keptHeads, kvBuffer } from "../common/paged_cache";
import { kvAppendReference } from "../kv_append/reference";
import { type BatchRow, batchUniform, type KernelCase, kernelCase, noise, random, slotsBuffer } from "../testing";
import { attention, NO_SINKS } from "./attention";
import { type AttentionReferenceRow, attentionReference } from "./reference";

interface Shape {
  readonly kv?: CacheType;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  /** Tokens in the cache, by slot. */
  readonly tokens: readonly number[];
  readonly rows: readonly { readonly slot: number; readonly position: number; readonly keyEnd?: number }[];
  /** Rows take their positions from their slots: all rows, or those of these slots. */
  readonly fromSlots?: boolean | readonly number[];
  readonly window?: number;
  readonly softcap?: number;
  readonly sinks?: boolean;
  readonly scale?: number;
  readonly amplitude?: number;
}

function at(name: string, shape: Shape): KernelCase {
  const { kv = "f32", heads = 2, kvHeads = 1, headDim = 8, tokens, rows, fromSlots = false } = shape;
  const { window = 0, softcap = 0, sinks = false, scale = 1 / Math.sqrt(headDim), amplitude = 2 } = shape;
  const [tableAt, sinksAt] = [5, 4];
  const kept = (heads: Float32Array) => keptHeads(kv, heads, headDim);
  const keys = tokens.map((count, slot) => kept(noise(count * kvHeads * headDim, 10 + slot, amplitude)));
  const values = tokens.map((count, slot) => kept(noise(count * kvHeads * headDim, 20 + slot, amplitude)));
  const q = noise(rows.length * heads * headDim, 1, amplitude);
  const vectors = noise(sinksAt + heads, 2, 3);
  const { pages, pagesPerSlot, pool } = scatteredPages(tokens, tableAt);

  // What no row may see is NaN: also the rest of each sequence's last page.
  const elements = pool * 2 * kvHeads * PAGE_TOKENS * headDim;
  const cache = new Float32Array(elements).fill(Number.NaN);
  tokens.forEach((count, slot) => {
    const places = Array.from({ length: count }, (_, position) => ({
      page: pages[tableAt + slot * pagesPerSlot + Math.floor(position / PAGE_TOKENS)]!,
      offset: position % PAGE_TOKENS,
    }));
    kvAppendReference(cache, keys[slot]!, values[slot]!, places, { kvHeads, headDim });
  });

  const described: BatchRow[] = rows.map(({ slot, position, keyEnd }) =>
    fromSlots === true || (fromSlots !== false && fromSlots.includes(slot))
      ? { slot }
      : { token: 0, slot, position, ...(keyEnd !== undefined && { keyEnd }) },
  );
  const held = tokens.map((_, slot) => rows.find((row) => row.slot === slot) ?? {});
  return kernelCase({
    name,
    kernel: attention(kv, { headDim }),
    params: {
      heads,
      kv_heads: kvHeads,
      scale,
      window,
      softcap,
      sinks_at: sinks ? sinksAt : NO_SINKS,
      table_at: tableAt,
      pages_per_slot: pagesPerSlot,
    },
    buffers: {
      batch: batchUniform(described),
      slots: slotsBuffer(held),
      q,
      pages,
      kv: kvBuffer(kv, cache, headDim),
      vectors,
      y: { words: q.length },
    },
    rows: rows.length,
    expected: () => ({
      y: attentionReference(
        q,
        keys,
        values,
        rows.map(
          ({ slot, position, keyEnd }): AttentionReferenceRow => ({
            sequence: slot,
            position,
            keyEnd: keyEnd ?? position + 1,
          }),
        ),
        {
          heads,
          kvHeads,
          headDim,
          scale,
          ...(window !== 0 && { window }),
          ...(softcap !== 0 && { softcap }),
          ...(sinks && { sinks: vectors.subarray(sinksAt) }),
        },
      ),
    }),
    tolerance: 5e-6,
  });
}

/** Page tables whose pages lie in random order, those of all slots mixed. */
function scatteredPages(tokens: readonly number[], tableAt: number) {
  const counts = tokens.map((count) => Math.ceil(count / PAGE_TOKENS));
  const pagesPerSlot = Math.max(...counts);
  const pool = counts.reduce((sum, count) => sum + count, 0);
  const next = random(7);
  const order = Array.from({ length: pool }, (_, page) => ({ page, key: next() })).sort((a, b) => a.key - b.key);
  const pages = new Uint32Array(tableAt + tokens.length * pagesPerSlot);
  counts.forEach((count, slot) => {
    for (let i = 0; i < count; i++) pages[tableAt + slot * pagesPerSlot + i] = order.pop()!.page;
  });
  return { pages, pagesPerSlot, pool };
}

const chunk = (slot: number, first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ slot, position: first + i }));

export const cases: readonly KernelCase[] = [
  at("one key", { tokens: [1], rows: chunk(0, 0, 1) }),
  at("cache exactly a page", { tokens: [PAGE_TOKENS], rows: chunk(0, PAGE_TOKENS - 1, 1) }),
  at("cache exactly a tile of 64", { tokens: [64], rows: chunk(0, 63, 1) }),
  at("first key of the next tile", { tokens: [65], rows: chunk(0, 64, 1) }),
  at("chunk crossing pages and tiles", { tokens: [70], rows: chunk(0, 27, 43) }),
  at("three query heads per key head", { tokens: [40], heads: 6, kvHeads: 2, rows: chunk(0, 37, 3) }),
  at("as many key heads as query heads", { tokens: [20], heads: 3, kvHeads: 3, rows: chunk(0, 18, 2) }),
  at("head of 64", { tokens: [100], headDim: 64, rows: chunk(0, 98, 2) }),
  at("head of 80, not a divisor of the team", { tokens: [70], headDim: 80, rows: chunk(0, 69, 1) }),
  at("head of 128", { tokens: [67], headDim: 128, heads: 4, kvHeads: 2, rows: chunk(0, 66, 1) }),
  at("head of 256", { tokens: [67], headDim: 256, rows: chunk(0, 66, 1) }),
  at("window smaller than a tile, crossing pages", { tokens: [140], window: 20, rows: chunk(0, 60, 40) }),
  at("window starting inside a tile, ending on its edge", { tokens: [128], window: 100, rows: chunk(0, 127, 1) }),
  at("window longer than the sequence so far", { tokens: [10], window: 16, rows: chunk(0, 0, 10) }),
  at("window of one key", { tokens: [66], window: 1, rows: chunk(0, 62, 4) }),
  at("gemma2's soft cap", { tokens: [50], softcap: 50, amplitude: 8, rows: chunk(0, 48, 2) }),
  at("soft cap far exceeded", { tokens: [50], softcap: 2, amplitude: 40, rows: chunk(0, 48, 2) }),
  at("sinks", { tokens: [50], sinks: true, heads: 4, kvHeads: 2, rows: chunk(0, 47, 3) }),
  at("sinks above every score, one key", { tokens: [1], sinks: true, scale: 1e-3, rows: chunk(0, 0, 1) }),
  at("sinks with window and cap", { tokens: [90], sinks: true, window: 33, softcap: 5, rows: chunk(0, 80, 9) }),
  at("bidirectional", { tokens: [45], rows: chunk(0, 0, 45).map((row) => ({ ...row, keyEnd: 45 })) }),
  at("scores of hundreds: no overflow", { tokens: [40], amplitude: 30, rows: chunk(0, 38, 2) }),
  at("several sequences with interleaved pages", {
    tokens: [70, 5, 33],
    heads: 4,
    kvHeads: 2,
    rows: [...chunk(0, 66, 4), ...chunk(1, 0, 5), ...chunk(2, 32, 1)],
  }),
  at("positions from the slots", {
    tokens: [70, 5, 33],
    fromSlots: true,
    window: 40,
    rows: [...chunk(2, 32, 1), ...chunk(0, 69, 1), ...chunk(1, 4, 1)],
  }),
  at("queries of a tile from two rows' groups of 3", { tokens: [64], heads: 3, headDim: 64, rows: chunk(0, 40, 20) }),
  at("tiles of several slots, some of one row", {
    tokens: [70, 5, 33, 90],
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    rows: [...chunk(3, 70, 20), ...chunk(1, 4, 1), ...chunk(2, 0, 33), ...chunk(0, 69, 1), ...chunk(3, 10, 2)],
  }),
  at("a chunk whose rows' positions come from the slots in part", {
    tokens: [70, 64, 33],
    heads: 3,
    fromSlots: [0, 2],
    window: 40,
    rows: [...chunk(2, 32, 1), ...chunk(1, 34, 30), ...chunk(0, 69, 1)],
  }),
  at("tile, head of 128, window that skips pages", {
    tokens: [200],
    headDim: 128,
    window: 50,
    rows: chunk(0, 180, 18),
  }),
  at("tile, head of 256", { tokens: [60], headDim: 256, heads: 2, rows: chunk(0, 40, 19) }),
  at("tile, head of 80", { tokens: [40], headDim: 80, heads: 4, kvHeads: 2, rows: chunk(0, 20, 18) }),
  at("tile, head of 4, sinks and soft cap", {
    tokens: [40],
    headDim: 4,
    sinks: true,
    softcap: 3,
    rows: chunk(0, 9, 20),
  }),
  at("tile, group of 16", { tokens: [40], heads: 16, rows: chunk(0, 20, 17) }),
  at("tile, f16, head of 64", { kv: "f16", tokens: [50], headDim: 64, heads: 3, rows: chunk(0, 31, 18) }),
  at("int8, head of 64", { kv: "int8", tokens: [50], headDim: 64, heads: 3, rows: chunk(0, 44, 2) }),
  at("tile, int8, head of 64", { kv: "int8", tokens: [50], headDim: 64, heads: 3, rows: chunk(0, 31, 18) }),
  at("f16 keys and values", { kv: "f16", tokens: [70], heads: 4, kvHeads: 2, headDim: 16, rows: chunk(0, 60, 10) }),
  at("f16, head of 128", { kv: "f16", tokens: [65], headDim: 128, rows: chunk(0, 64, 1) }),
];

/** For the self-test: a row over two tiles, and a chunk of rows, with this kind of cache and heads. */
export function smallAttentionCases(kv: CacheType, headDim: number): readonly KernelCase[] {
  const chunk = Array.from({ length: 17 }, (_, i) => ({ slot: 0, position: 53 + i }));
  return [
    at("self-test, one row", { kv, headDim, tokens: [70], rows: [{ slot: 0, position: 69 }] }),
    at("self-test, a chunk", { kv, headDim, tokens: [70], rows: chunk }),
  ];
}
