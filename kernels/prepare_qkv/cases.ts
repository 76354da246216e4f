import type { CacheType } from "../common/kv";
import { int8Elements, keptHeads, kvBuffer, nearTie, pagedCache } from "../common/paged_cache";
import { kvAppendReference } from "../kv_append/reference";
import { coarseOffset, ROPE_STYLE, ropeTables } from "../rope/rope";
import { type BatchRow, batchUniform, type KernelCase, kernelCase, noise, slotsBuffer } from "../testing";
import { prepareQkv } from "./prepare_qkv";
import { type HeadReferenceSpec, prepareQkvReference } from "./reference";

export interface HeadShape {
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly headNorm?: boolean;
  /** All of the head when absent. */
  readonly ropeDims?: number;
  readonly ropeStyle?: "half" | "adjacent";
}

/** Heads of a case: their reference and parameters, and the buffers that describe them. */
export function headCase(shape: HeadShape, positions: readonly number[], kv: CacheType, amplitude = 1) {
  const { heads = 2, kvHeads = 1, headDim = 8, headNorm = false, ropeDims = headDim, ropeStyle = "half" } = shape;
  const [tablesAt, gainAt, eps] = [6, 4 + heads, 1e-6];
  const width = (heads + 2 * kvHeads) * headDim;
  const columns = { stride: width + 3, q: 2, k: 2 + heads * headDim, v: 2 + (heads + kvHeads) * headDim };
  const vectors = noise(gainAt + 2 * headDim, 2, 2);
  const frequencies = Array.from({ length: ropeDims / 2 }, (_, pair) => 10_000 ** ((-2 * pair) / ropeDims));
  const spec: HeadReferenceSpec = {
    heads,
    kvHeads,
    headDim,
    frequencies,
    style: ropeStyle,
    columns,
    ...(headNorm && {
      norm: { q: vectors.subarray(gainAt, gainAt + headDim), k: vectors.subarray(gainAt + headDim), eps },
    }),
  };
  const made = ropeTables(frequencies, Math.max(...positions) + 1);
  const tables = new Float32Array(tablesAt + Math.max(1, made.length));
  tables.set(made, tablesAt);

  // Keys are compared as they are stored, which must not depend on the last bits of f32.
  for (let seed = 1; ; seed++) {
    const qkv = noise(positions.length * columns.stride, seed, amplitude);
    const prepared = prepareQkvReference(qkv, positions, spec);
    if (nearTie(kv, prepared.k, headDim) || (kv === "int8" && nearTie(kv, prepared.v, headDim))) continue;
    return {
      heads,
      kvHeads,
      headDim,
      headNorm,
      spec,
      prepared,
      buffers: { qkv, vectors, tables },
      params: {
        qkv_stride: columns.stride,
        q_at: columns.q,
        k_at: columns.k,
        v_at: columns.v,
        q_gain_at: gainAt,
        k_gain_at: gainAt + headDim,
        eps,
        rope_dims: ropeDims,
        rope_style: ROPE_STYLE[ropeStyle],
        tables_at: tablesAt,
        coarse_at: tablesAt + coarseOffset(ropeDims),
      },
    };
  }
}

/** How a case expects the buffer `kv`: numbers where they are computed, words where they are rounded. */
export function expectedKv(kv: CacheType, elements: Float64Array, headDim: number): Float64Array | Uint32Array {
  if (kv === "f16") return kvBuffer(kv, elements, headDim);
  return kv === "int8" ? keptHeads(kv, elements, headDim) : elements;
}

export function kvViews(kv: CacheType, headDim: number): NonNullable<KernelCase["views"]> {
  return kv === "int8" ? { kv: (buffer) => int8Elements(buffer, headDim) } : {};
}

interface Shape extends HeadShape {
  readonly kv?: CacheType;
  readonly rows: readonly { readonly slot: number; readonly position: number }[];
  /** Rows take their positions from their slots. */
  readonly fromSlots?: boolean;
}

function at(name: string, { kv = "f32", rows, fromSlots = false, ...shape }: Shape): KernelCase {
  const made = headCase(
    shape,
    rows.map(({ position }) => position),
    kv,
  );
  const { heads, kvHeads, headDim, headNorm } = made;
  const tableAt = 5;
  const slots = Array.from({ length: Math.max(...rows.map(({ slot }) => slot)) + 1 }, (_, slot) => {
    const positions = rows.filter((row) => row.slot === slot).map(({ position }) => position);
    const from = Math.min(...positions);
    return { keys: [], values: [], from, to: from, room: Math.max(...positions) + 1 };
  });
  const cache = pagedCache(slots, { kvHeads, headDim, tableAt });
  const described: BatchRow[] = rows.map(({ slot, position }) => (fromSlots ? { slot } : { token: 0, slot, position }));
  return kernelCase({
    name,
    kernel: prepareQkv(kv, { headDim, headNorm }),
    params: { heads, kv_heads: kvHeads, table_at: tableAt, pages_per_slot: cache.pagesPerSlot, ...made.params },
    buffers: {
      batch: batchUniform(described),
      slots: slotsBuffer(slots.map((_, slot) => rows.find((row) => row.slot === slot)!)),
      pages: cache.pages,
      kv: kvBuffer(kv, cache.elements, headDim),
      ...made.buffers,
      q: { words: rows.length * heads * headDim },
    },
    rows: rows.length,
    views: kvViews(kv, headDim),
    expected: () => {
      const { q, k, v } = made.prepared;
      const places = rows.map(({ slot, position }) => cache.place(slot, position));
      const stored = kvAppendReference(cache.elements.slice(), k, v, places, { kvHeads, headDim });
      return { q, kv: expectedKv(kv, stored, headDim) };
    },
    tolerance: 2e-6,
  });
}

const chunk = (slot: number, first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ slot, position: first + i }));

export const cases: readonly KernelCase[] = [
  at("first token", { rows: chunk(0, 0, 1) }),
  at("chunk crossing pages and the fine table's end", { heads: 4, kvHeads: 2, rows: chunk(0, 250, 12) }),
  at("norm of query and key heads, qwen3", {
    heads: 4,
    kvHeads: 2,
    headDim: 128,
    headNorm: true,
    rows: chunk(0, 31, 3),
  }),
  at("norm, adjacent pairs, part of the head", {
    headNorm: true,
    ropeDims: 6,
    ropeStyle: "adjacent",
    rows: chunk(0, 300, 2),
  }),
  at("part of the head, half pairs: an odd number of pairs", { ropeDims: 6, rows: chunk(0, 7, 2) }),
  at("adjacent pairs", { heads: 3, kvHeads: 3, ropeStyle: "adjacent", rows: chunk(0, 5, 2) }),
  at("no rotation", { ropeDims: 0, rows: chunk(0, 9, 2) }),
  at("no rotation, norm", { ropeDims: 0, headNorm: true, rows: chunk(0, 9, 2) }),
  at("head of 256", { headDim: 256, headNorm: true, rows: chunk(0, 40, 1) }),
  at("several slots with interleaved pages", {
    heads: 4,
    kvHeads: 2,
    rows: [...chunk(1, 30, 5), ...chunk(0, 0, 3), ...chunk(2, 64, 1)],
  }),
  at("positions from the slots", {
    fromSlots: true,
    rows: [...chunk(2, 1000, 1), ...chunk(0, 3, 1), ...chunk(1, 77, 1)],
  }),
  at("prefill chunk, rows not a bucket", { heads: 2, kvHeads: 1, headNorm: true, rows: chunk(0, 50, 37) }),
  at("int8 keys and values, the last group of a head not full", {
    kv: "int8",
    heads: 4,
    kvHeads: 2,
    headDim: 40,
    headNorm: true,
    rows: chunk(0, 62, 4),
  }),
  at("f16 keys and values", { kv: "f16", heads: 4, kvHeads: 2, headNorm: true, rows: chunk(0, 62, 4) }),
];

/** For the self-test: one row, past the fine table's end. */
export function smallPrepareCases(kv: CacheType, headDim: number, headNorm: boolean): readonly KernelCase[] {
  return [at("self-test", { kv, headDim, headNorm, rows: chunk(0, 270, 1) })];
}
