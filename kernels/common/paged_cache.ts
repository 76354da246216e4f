// For cases of kernels that work on KV pages: page tables and buffers of pages, with NaN in everything that nobody wrote.

import { kvAppendReference, packHalves, roundToHalf } from "../kv_append/reference";
import { type BufferArray, random } from "../testing";
import { PAGE_TOKENS } from "./batch";

export type CachedKv = "f32" | "f16";

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

/** The number that a cache of this type gives back. */
export function keptIn(kv: CachedKv): (value: number) => number {
  return kv === "f32" ? Math.fround : roundToHalf;
}

/** Elements as the buffer `kv` holds them. */
export function kvBuffer(kv: CachedKv, elements: ArrayLike<number>): BufferArray {
  return kv === "f32" ? Float32Array.from(elements) : packHalves(elements);
}

/** Whether a number lies so near to the middle of two f16 numbers that arithmetic in f32 may round it to the other one. */
export function nearHalfTie(value: number): boolean {
  const ulp = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
  const units = Math.abs(value) / ulp;
  return Math.abs(units - Math.floor(units) - 0.5) < 3e-3;
}
