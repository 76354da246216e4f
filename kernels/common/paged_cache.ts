// For cases of kernels that work on KV pages: page tables and buffers of pages, with NaN in everything that nobody wrote.

import { kvAppendReference, packHalves, roundToHalf } from "../kv_append/reference";
import { random } from "../testing";
import { PAGE_TOKENS } from "./batch";
import { type CacheType, cachedHeadBytes, INT8_GROUP } from "./kv";

/** What words hold that nobody wrote: a NaN to recognize. */
const UNWRITTEN = 0x7fc0_dead;

/** The tokens of one slot that have a page. */
export interface HeldTokens {
  /** `[to - from, kvHeads · headDim]` */
  readonly keys: ArrayLike<number>;
  readonly values: ArrayLike<number>;
  readonly from: number;
  readonly to: number;
  /** Tokens that the slot's pages have room for: those of {@link from} to here have a page. */
  readonly room: number;
}

export interface PagedCache {
  /** The buffer `pages`: tables from `tableAt` on; entries that no page belongs to name a page of NaN. */
  readonly pages: Uint32Array;
  readonly pagesPerSlot: number;
  /** `[pages, 2, kvHeads, PAGE_TOKENS, headDim]` */
  readonly elements: Float64Array;
  readonly place: (slot: number, position: number) => { readonly page: number; readonly offset: number };
}

/** Pages in random order, those of all slots mixed. */
export function pagedCache(
  slots: readonly HeldTokens[],
  { kvHeads, headDim, tableAt }: { readonly kvHeads: number; readonly headDim: number; readonly tableAt: number },
): PagedCache {
  const ranges = slots.map(({ from, room }) => ({
    first: Math.floor(from / PAGE_TOKENS),
    end: Math.ceil(room / PAGE_TOKENS),
  }));
  const pagesPerSlot = Math.max(...ranges.map(({ end }) => end));
  const pool = ranges.reduce((sum, { first, end }) => sum + end - first, 1);
  const next = random(7);
  const order = Array.from({ length: pool }, (_, page) => ({ page, key: next() })).sort((a, b) => a.key - b.key);
  const pages = new Uint32Array(tableAt + slots.length * pagesPerSlot).fill(order.pop()!.page, tableAt);
  ranges.forEach(({ first, end }, slot) => {
    for (let i = first; i < end; i++) pages[tableAt + slot * pagesPerSlot + i] = order.pop()!.page;
  });
  const place = (slot: number, position: number) => ({
    page: pages[tableAt + slot * pagesPerSlot + Math.floor(position / PAGE_TOKENS)]!,
    offset: position % PAGE_TOKENS,
  });
  const elements = new Float64Array(pool * 2 * kvHeads * PAGE_TOKENS * headDim).fill(Number.NaN);
  slots.forEach(({ keys, values, from, to }, slot) => {
    const places = Array.from({ length: to - from }, (_, i) => place(slot, from + i));
    kvAppendReference(elements, keys, values, places, { kvHeads, headDim });
  });
  return { pages, pagesPerSlot, elements, place };
}

/** Heads as a cache of this type gives them back. `[..., headDim]`. */
export function keptHeads(kv: CacheType, heads: ArrayLike<number>, headDim: number): Float64Array {
  if (kv !== "int8") return Float64Array.from(heads, kv === "f32" ? Math.fround : roundToHalf);
  const kept = new Float64Array(heads.length);
  for (const { scale, steps, at } of int8Groups(heads, headDim))
    kept.set(
      steps.map((step) => scale * step),
      at,
    );
  return kept;
}

/** Elements of a cache as the buffer `kv` holds them. NaN elements are unwritten words. */
export function kvBuffer(kv: CacheType, elements: ArrayLike<number>, headDim: number): Uint32Array {
  switch (kv) {
    case "f32":
      return words(elements);
    case "f16":
      return packHalves(elements);
    case "int8": {
      const width = cachedHeadBytes(kv, headDim);
      const bytes = new Uint8Array((elements.length / headDim) * width);
      const view = new DataView(bytes.buffer);
      for (const { scale, steps, at } of int8Groups(elements, headDim)) {
        const [head, first] = [Math.floor(at / headDim) * width, at % headDim];
        for (const [i, step] of steps.entries()) view.setInt8(head + first + i, step);
        const scaleAt = head + headDim + (4 * first) / INT8_GROUP;
        if (Number.isNaN(scale)) view.setUint32(scaleAt, UNWRITTEN, true);
        else view.setFloat32(scaleAt, scale, true);
      }
      return new Uint32Array(bytes.buffer);
    }
  }
}

/** A buffer `kv` of int8, read back into elements, as bits of f32: the view of it that cases compare. */
export function int8Elements(buffer: Uint32Array, headDim: number): Uint32Array {
  const width = cachedHeadBytes("int8", headDim);
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const heads = Math.floor(buffer.byteLength / width);
  return words(
    Float64Array.from({ length: heads * headDim }, (_, i) => {
      const [head, d] = [Math.floor(i / headDim) * width, i % headDim];
      const scale = view.getFloat32(head + headDim + 4 * Math.floor(d / INT8_GROUP), true);
      return scale * view.getInt8(head + d);
    }),
  );
}

/** Whether arithmetic in f32 may round some of these heads to other stored numbers than arithmetic in f64 does. */
export function nearTie(kv: CacheType, heads: ArrayLike<number>, headDim: number): boolean {
  if (kv === "f16") return Array.from(heads).some(nearHalfTie);
  if (kv === "f32") return false;
  return int8Groups(heads, headDim).some(({ exact }) =>
    exact.some((step) => Math.abs(step - Math.floor(step) - 0.5) < 3e-4),
  );
}

function nearHalfTie(value: number): boolean {
  const ulp = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
  const units = Math.abs(value) / ulp;
  return Math.abs(units - Math.floor(units) - 0.5) < 3e-3;
}

/** The definition of int8 keys and values: groups of a head with their scale, steps of it, and where they begin. */
function int8Groups(heads: ArrayLike<number>, headDim: number) {
  const all = Array.from(heads);
  return Array.from({ length: heads.length / headDim }, (_, head) =>
    Array.from({ length: Math.ceil(headDim / INT8_GROUP) }, (_, group) => {
      const at = head * headDim + group * INT8_GROUP;
      const members = all.slice(at, Math.min(at + INT8_GROUP, (head + 1) * headDim));
      const largest = members.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const exact = members.map((value) => (largest > 0 ? (value * 127) / largest : 0));
      return { at, exact, steps: exact.map(Math.round), scale: Math.fround(largest / 127) };
    }),
  ).flat();
}

function words(numbers: ArrayLike<number>): Uint32Array {
  const bits = new Uint32Array(Float32Array.from(numbers).buffer);
  return bits.map((word, i) => (Number.isNaN(numbers[i]!) ? UNWRITTEN : word));
}
