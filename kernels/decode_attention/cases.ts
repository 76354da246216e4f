import { NO_SINKS } from "../attention/attention";
import { attentionCombine } from "../attention_combine/attention_combine";
import { PAGE_TOKENS, SPLIT_TOKENS } from "../common/batch";
import type { CacheType } from "../common/kv";
import { keptHeads, kvBuffer, pagedCache } from "../common/paged_cache";
import { kvAppendReference } from "../kv_append/reference";
import { expectedKv, type HeadShape, headCase, kvViews } from "../prepare_qkv/cases";
import { type BatchRow, batchUniform, type KernelCase, kernelCase, noise, slotsBuffer } from "../testing";
import { decodeAttention } from "./decode_attention";
import { decodeAttentionReference } from "./reference";

export interface DecodeShape extends HeadShape {
  readonly kv?: CacheType;
  /** Position of each row; row r is of slot rows - 1 - r. */
  readonly positions: readonly number[];
  /** The host says positions; else the slots do. */
  readonly fromHost?: boolean;
  readonly window?: number;
  readonly softcap?: number;
  readonly sinks?: boolean;
  readonly amplitude?: number;
  /** Splits that the grid is made for beyond those of the longest row. */
  readonly spareSplits?: number;
}

/** What the cases of decode_attention and attention_combine are made of. */
function scene(shape: DecodeShape) {
  const { kv = "f32", positions, fromHost = false, window = 0, softcap = 0, sinks = false, amplitude = 2 } = shape;
  const made = headCase(shape, positions, kv, amplitude);
  const { heads, kvHeads, headDim, headNorm } = made;
  const [tableAt, sinksAt] = [5, 3];
  const width = kvHeads * headDim;
  const slotOf = (row: number) => positions.length - 1 - row;
  const kept = (heads: ArrayLike<number>) => keptHeads(kv, heads, headDim);

  // Before its window, a row's keys are random too, but in no page.
  const keys = positions.map((position, row) => kept(noise(position * width, 10 + row, amplitude)));
  const values = positions.map((position, row) => kept(noise(position * width, 30 + row, amplitude)));
  const bySlot = positions.map((_, slot) => slotOf(slot));
  const cache = pagedCache(
    bySlot.map((row) => {
      const to = positions[row]!;
      const from = window === 0 ? 0 : Math.max(0, to + 1 - window);
      const held = (some: Float64Array) => some.subarray(from * width);
      return { keys: held(keys[row]!), values: held(values[row]!), from, to, room: to + 1 };
    }),
    { kvHeads, headDim, tableAt },
  );
  const described: BatchRow[] = positions.map((position, row) =>
    fromHost ? { token: 0, slot: slotOf(row), position } : { slot: slotOf(row) },
  );
  const needed = Math.floor(Math.max(...positions) / SPLIT_TOKENS) + 1;
  const splits = needed + 2; // the model's context is longer
  const scale = 1 / Math.sqrt(headDim);
  const buffers = {
    batch: batchUniform(described),
    slots: slotsBuffer(bySlot.map((row) => ({ position: positions[row]! }))),
    vectors: made.buffers.vectors,
  };
  const outcome = () =>
    decodeAttentionReference(made.buffers.qkv, positions, keys, values, {
      ...made.spec,
      scale,
      ...(window !== 0 && { window }),
      ...(softcap !== 0 && { softcap }),
      ...(sinks && { sinks: made.buffers.vectors.subarray(sinksAt, sinksAt + heads) }),
      kept,
      splits,
    });
  const params = { heads, kv_heads: kvHeads, scale, window, softcap, sinks_at: sinks ? sinksAt : NO_SINKS, splits };
  return {
    ...made,
    kv,
    headNorm,
    cache,
    tableAt,
    slotOf,
    splits,
    needed,
    buffers,
    headBuffers: made.buffers,
    headParams: made.params,
    params,
    outcome,
  };
}

export function decodeCase(name: string, shape: DecodeShape): KernelCase {
  const { positions, spareSplits = 0 } = shape;
  const s = scene(shape);
  const { heads, kvHeads, headDim, headNorm, kv, cache } = s;
  return kernelCase({
    name,
    kernel: decodeAttention(kv, { headDim, headNorm, group: heads / kvHeads }),
    params: { ...s.params, ...s.headParams, table_at: s.tableAt, pages_per_slot: cache.pagesPerSlot },
    buffers: {
      ...s.headBuffers,
      ...s.buffers,
      pages: cache.pages,
      kv: kvBuffer(kv, cache.elements, headDim),
      y: { words: positions.length * heads * headDim },
      partials: { words: positions.length * heads * s.splits * (headDim + 4) },
    },
    rows: positions.length,
    splits: s.needed + spareSplits,
    views: kvViews(kv, headDim),
    expected: () => {
      const { y, partials, k, v } = s.outcome();
      const places = positions.map((position, row) => cache.place(s.slotOf(row), position));
      const stored = kvAppendReference(cache.elements.slice(), k, v, places, { kvHeads, headDim });
      return { y, partials, kv: expectedKv(kv, stored, headDim) };
    },
    tolerance: 5e-6,
  });
}

/** What follows the decode case: its partials joined. */
export function combineCase(name: string, shape: DecodeShape): KernelCase {
  const s = scene(shape);
  const { heads, headDim } = s;
  const { y, whole, partials } = s.outcome();
  return kernelCase({
    name,
    kernel: attentionCombine({ headDim }),
    params: { heads, window: s.params.window, sinks_at: s.params.sinks_at, splits: s.splits },
    buffers: {
      ...s.buffers,
      partials: Float32Array.from(partials),
      y: { words: whole.length },
    },
    rows: shape.positions.length,
    splits: s.needed,
    // Rows of one split are another kernel's.
    expected: () => ({ y: whole.map((value, i) => (Number.isNaN(y[i]!) ? value : Number.NaN)) }),
    tolerance: 5e-6,
  });
}

const [page, split] = [PAGE_TOKENS, SPLIT_TOKENS];
const scattered = { heads: 4, kvHeads: 2, positions: [70, 0, 33, 511, 5] };

export const cases: readonly KernelCase[] = [
  decodeCase("first token", { positions: [0] }),
  decodeCase("newest key last of a page", { positions: [page - 1] }),
  decodeCase("newest key first of a page", { positions: [page] }),
  decodeCase("newest key last of a split", { positions: [split - 1] }),
  decodeCase("newest key first of a split: the split has no other", { positions: [split] }),
  decodeCase("several splits", { positions: [2 * split + 40] }),
  decodeCase("several splits, grid for more", { positions: [split + 1], spareSplits: 2 }),
  decodeCase("one split, grid for more", { positions: [40], spareSplits: 1 }),
  decodeCase("window inside one split", { positions: [300], window: 40 }),
  decodeCase("window from one split into the next", { positions: [split + 7], window: 40 }),
  decodeCase("window that leaves earlier splits empty", { positions: [2 * split + 90], window: 60 }),
  decodeCase("window that begins with a split", { positions: [split + 63], window: 64 }),
  decodeCase("window of one key, first of a split", { positions: [split], window: 1 }),
  decodeCase("window longer than the context so far", { positions: [9], window: 16 }),
  decodeCase("group of 1, three key heads", { positions: [90], heads: 3, kvHeads: 3 }),
  decodeCase("group of 3", { positions: [90], heads: 6, kvHeads: 2 }),
  decodeCase("group of 8, head of 256, norm", { positions: [140], heads: 8, headDim: 256, headNorm: true }),
  decodeCase("group of 11: two passes, the second not full", { positions: [split + 20], heads: 11, headDim: 16 }),
  decodeCase("group of 16: two passes", { positions: [150], heads: 16 }),
  decodeCase("head of 80, not a divisor of the lanes", { positions: [300], headDim: 80, heads: 4, kvHeads: 2 }),
  decodeCase("norm, part of the head turned", { positions: [300], headNorm: true, ropeDims: 4 }),
  decodeCase("adjacent pairs", { positions: [40], ropeStyle: "adjacent" }),
  decodeCase("adjacent pairs, part of the head turned", { positions: [300], ropeDims: 6, ropeStyle: "adjacent" }),
  decodeCase("no rotation", { positions: [40], ropeDims: 0 }),
  decodeCase("sinks", { positions: [50], heads: 4, kvHeads: 2, sinks: true }),
  decodeCase("sinks with splits: they join only once", { positions: [split + 30], heads: 4, kvHeads: 2, sinks: true }),
  decodeCase("gemma2's soft cap", { positions: [50], softcap: 50, amplitude: 4 }),
  decodeCase("soft cap, window, sinks over two splits", {
    positions: [split + 3],
    softcap: 5,
    window: 30,
    sinks: true,
  }),
  decodeCase("scores of hundreds: no overflow", { positions: [40], amplitude: 20 }),
  decodeCase("several slots, scattered pages, different lengths", scattered),
  decodeCase("several slots, the host says positions", { ...scattered, fromHost: true }),
  decodeCase("several slots, some of them split", { heads: 4, kvHeads: 2, positions: [split + 5, 3, split - 1] }),
  decodeCase("as many rows as a decode step has", { positions: Array.from({ length: 16 }, (_, i) => 9 * i) }),
  decodeCase("int8, several slots, some of them split", {
    kv: "int8",
    heads: 4,
    kvHeads: 2,
    positions: [split + 2, 30],
  }),
  decodeCase("int8, norm, the last group of a head not full", {
    kv: "int8",
    positions: [page],
    headDim: 80,
    headNorm: true,
  }),
  decodeCase("f16", { kv: "f16", positions: [70], heads: 4, kvHeads: 2 }),
  decodeCase("f16, norm, head of 128", { kv: "f16", positions: [page], heads: 2, headDim: 128, headNorm: true }),
  decodeCase("f16, several slots, some of them split", { kv: "f16", positions: [split + 2, 30] }),
];

/** For the self-test: a row of one split, and one whose window spans two. */
export function smallDecodeCases(
  kv: CacheType,
  { headDim, headNorm, group }: { readonly headDim: number; readonly headNorm: boolean; readonly group: number },
): readonly KernelCase[] {
  const shape = { kv, headDim, headNorm, heads: group, kvHeads: 1 };
  return [
    decodeCase("self-test, one split", { ...shape, positions: [70] }),
    decodeCase("self-test, two splits", { ...shape, positions: [split + 20], window: 60 }),
  ];
}
