import { PAGE_TOKENS } from "../common/batch";
import type { CacheType } from "../common/kv";
import { int8Elements, keptHeads, kvBuffer } from "../common/paged_cache";
import { type BatchRow, batchUniform, type KernelCase, kernelCase, noise, slotsBuffer } from "../testing";
import { kvAppend } from "./kv_append";
import { type KvPlace, kvAppendReference } from "./reference";

interface Shape {
  readonly kv?: CacheType;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Pages of each slot, in order. */
  readonly tables: readonly (readonly number[])[];
  readonly rows: readonly { readonly slot: number; readonly position: number }[];
  /** Rows take their positions from their slots. */
  readonly fromSlots?: boolean;
  /** Keys; noise when absent. */
  readonly keys?: readonly number[];
}

function at(name: string, { kv = "f32", kvHeads, headDim, tables, rows, keys, fromSlots = false }: Shape): KernelCase {
  const tableAt = 3;
  const pagesPerSlot = Math.max(...tables.map((table) => table.length));
  const pages = new Uint32Array(tableAt + tables.length * pagesPerSlot);
  tables.forEach((table, slot) => {
    pages.set(table, tableAt + slot * pagesPerSlot);
  });
  const pool = Math.max(...tables.flat()) + 1;
  const elements = pool * 2 * kvHeads * PAGE_TOKENS * headDim;
  const k = keys ? Float32Array.from(keys) : noise(rows.length * kvHeads * headDim, 1);
  const v = noise(rows.length * kvHeads * headDim, 2);
  const places: KvPlace[] = rows.map(({ slot, position }) => ({
    page: tables[slot]![Math.floor(position / PAGE_TOKENS)]!,
    offset: position % PAGE_TOKENS,
  }));
  const described: BatchRow[] = rows.map(({ slot, position }) => (fromSlots ? { slot } : { token: 0, slot, position }));
  const held = Array.from({ length: tables.length }, (_, slot) => rows.find((row) => row.slot === slot) ?? {});
  return kernelCase({
    name,
    kernel: kvAppend(kv),
    params: { kv_heads: kvHeads, head_dim: headDim, table_at: tableAt, pages_per_slot: pagesPerSlot },
    buffers: {
      batch: batchUniform(described),
      slots: slotsBuffer(held),
      k,
      v,
      pages,
      kv: kvBuffer(kv, new Float32Array(elements), headDim),
    },
    rows: rows.length,
    ...(kv === "int8" && { views: { kv: (buffer) => int8Elements(buffer, headDim) } }),
    expected: () => {
      const stored = kvAppendReference(new Float64Array(elements), k, v, places, { kvHeads, headDim });
      return { kv: kv === "f16" ? kvBuffer(kv, stored, headDim) : keptHeads(kv, stored, headDim) };
    },
    tolerance: kv === "int8" ? 1e-6 : 0, // of the scale; the steps are exact
  });
}

const chunk = (slot: number, first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ slot, position: first + i }));

export const cases: readonly KernelCase[] = [
  at("first token of a sequence", { kvHeads: 2, headDim: 8, tables: [[0]], rows: chunk(0, 0, 1) }),
  at("last token of a page", { kvHeads: 1, headDim: 64, tables: [[1]], rows: chunk(0, PAGE_TOKENS - 1, 1) }),
  at("chunk crossing a page's edge", { kvHeads: 3, headDim: 12, tables: [[2, 0]], rows: chunk(0, PAGE_TOKENS - 3, 6) }),
  at("several sequences with interleaved pages", {
    kvHeads: 2,
    headDim: 8,
    tables: [
      [1, 4],
      [3, 0],
      [2, 5],
    ],
    rows: [...chunk(0, 33, 2), ...chunk(1, 0, 3), ...chunk(2, 31, 2)],
  }),
  at("positions from the slots", {
    kvHeads: 2,
    headDim: 8,
    tables: [
      [1, 2],
      [3, 0],
    ],
    rows: [
      { slot: 1, position: 40 },
      { slot: 0, position: 5 },
    ],
    fromSlots: true,
  }),
  at("stored as int8, the last group of a head not full", {
    kv: "int8",
    kvHeads: 2,
    headDim: 40,
    tables: [[1, 0]],
    rows: chunk(0, 30, 4),
  }),
  at("stored as f16", { kv: "f16", kvHeads: 2, headDim: 8, tables: [[1, 0]], rows: chunk(0, 30, 4) }),
  at("stored as f16: ties go to even, whatever the device's own conversions do", {
    kv: "f16",
    kvHeads: 1,
    headDim: 24,
    tables: [[0]],
    rows: chunk(0, 0, 1),
    keys: [
      ...[1 + 2 ** -11, 1 + 3 * 2 ** -11, -1 - 2 ** -11 - 2 ** -20, 1 + 2 ** -11 - 2 ** -20, 2 - 2 ** -12], // normal
      ...[2 ** -14, 2 ** -14 - 2 ** -26, 2 ** -14 - 2 ** -25, -(2 ** -15) - 2 ** -25, 5 * 2 ** -25], // to and in subnormal
      ...[2 ** -24, 2 ** -25, -(2 ** -25) - 2 ** -40, 3 * 2 ** -25, 2 ** -26, 1e-40, 0, -0], // to and near zero
      ...[65504, 65519, 65520, 1e6, -1e38, 60_000], // to the largest
    ],
  }),
];
