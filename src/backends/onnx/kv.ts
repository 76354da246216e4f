// Keys and values of the onnx backend. Pages are the truth, as the contract says; each slot has a contiguous copy beside
// them, because attention reads one. A copy is brought up to date before a run, by version numbers, and a run's new
// rows go to both.

import { FennecError } from "../../errors";
import type { CacheSpec } from "../../graph/graph";
import type { CacheGroup, PageWrite } from "../backend";

/** Rows of a contiguous copy at first; doubled as a sequence grows. */
const FIRST_CAPACITY = 64;

interface Page {
  /** Unique to this page with this content. */
  version: number;
  /** By layer of the group: keys then values, each `[kvHeads, pageTokens, headDim]`. */
  readonly layers: readonly Float32Array[];
}

/** Of one layer: `[kvHeads, capacity, headDim]` each. */
export interface Contiguous {
  key: Float32Array;
  value: Float32Array;
}

interface SlotGroup {
  /** Page by index. */
  readonly table: number[];
  /** Version of the page whose content the copy has, by index. */
  readonly copied: number[];
  capacity: number;
  /** By layer of the group. */
  readonly layers: Contiguous[];
}

/** New keys and values of a run, `[rows, kvHeads · headDim]` each. */
export interface NewRows {
  readonly key: Float32Array;
  readonly value: Float32Array;
}

export class KvStore {
  readonly #groups: readonly CacheGroup[];
  readonly #caches: readonly CacheSpec[];
  readonly #pageTokens: number;
  readonly #context: number;
  readonly #pages: readonly Map<number, Page>[];
  /** By slot, then group. */
  readonly #slots: readonly (readonly SlotGroup[])[];
  #version = 0;

  constructor(
    caches: readonly CacheSpec[],
    groups: readonly CacheGroup[],
    sizes: { readonly pageTokens: number; readonly slots: number; readonly context: number },
  ) {
    this.#caches = caches;
    this.#groups = groups;
    this.#pageTokens = sizes.pageTokens;
    this.#context = sizes.context;
    this.#pages = groups.map(() => new Map());
    this.#slots = Array.from({ length: sizes.slots }, () =>
      groups.map(() => ({ table: [], copied: [], capacity: 0, layers: [] })),
    );
  }

  get bytes(): number {
    const pages = this.#pages.reduce((sum, pool, group) => sum + pool.size * this.#groups[group]!.pageBytes, 0);
    const copies = this.#slots.flat().flatMap(({ layers }) => layers);
    return pages + copies.reduce((sum, { key }) => sum + 8 * key.length, 0);
  }

  map({ group, slot, index, page }: PageWrite): void {
    this.#slots[slot]![group]!.table[index] = page;
  }

  copy(group: number, from: number, to: number): void {
    const source = this.#pages[group]!.get(from);
    if (!source) {
      this.#pages[group]!.delete(to); // nothing was written there
      return;
    }
    const target = this.#page(group, to);
    target.version = ++this.#version;
    source.layers.forEach((layer, at) => {
      target.layers[at]!.set(layer);
    });
  }

  /**
   * Makes a slot's copy hold what a run of rows `first ... end - 1` reads, with room for the rows themselves.
   *
   * @throws FennecError `invalid-argument` for a page that is not mapped, or that was never written.
   */
  prepare(slot: number, first: number, end: number): void {
    this.#groups.forEach(({ window }, group) => {
      const state = this.#slots[slot]![group]!;
      this.#reserve(group, state, end);
      const oldest = window === undefined ? 0 : Math.max(0, first - window + 1);
      for (let index = Math.floor(oldest / this.#pageTokens); index * this.#pageTokens < end; index++) {
        const number = state.table[index];
        if (number === undefined) throw unmapped(slot, group, index);
        if (index * this.#pageTokens >= first) continue; // nothing of it is read
        const page = this.#pages[group]!.get(number);
        if (!page) throw neverWritten(slot, group, index * this.#pageTokens);
        if (state.copied[index] === page.version) continue;
        this.#toCopy(group, state, index, page);
        state.copied[index] = page.version;
      }
    });
  }

  /** A slot's copy of a layer. Rows beyond those that {@link prepare} was told of hold anything finite. */
  contiguous(slot: number, layer: number): Contiguous & { readonly capacity: number } {
    const { group, at } = this.#place(layer);
    const { layers, capacity } = this.#slots[slot]![group]!;
    return { ...layers[at]!, capacity };
  }

  /** Stores what a run made for positions `first` on, in the pages and in the copy. */
  append(slot: number, first: number, newRows: ReadonlyMap<number, NewRows>): void {
    this.#groups.forEach(({ layers }, group) => {
      const state = this.#slots[slot]![group]!;
      const { kvHeads, headDim } = this.#caches[layers[0]!]!;
      const rows = newRows.get(layers[0]!)!.key.length / (kvHeads * headDim);
      for (let from = 0; from < rows; ) {
        const position = first + from;
        const index = Math.floor(position / this.#pageTokens);
        const count = Math.min(rows - from, (index + 1) * this.#pageTokens - position);
        const page = this.#page(group, state.table[index]!);
        // A copy stays current only if it was before these rows, or if they are the page's first.
        const current = position % this.#pageTokens === 0 || state.copied[index] === page.version;
        page.version = ++this.#version;
        if (current) state.copied[index] = page.version;
        layers.forEach((layer, at) => {
          this.#write(state, page, { layer, at, from, position, count }, newRows.get(layer)!);
        });
        from += count;
      }
    });
  }

  #write(
    state: SlotGroup,
    page: Page,
    part: { layer: number; at: number; from: number; position: number; count: number },
    { key, value }: NewRows,
  ): void {
    const { layer, at, from, position, count } = part;
    const { kvHeads, headDim } = this.#caches[layer]!;
    const half = this.#pageTokens * kvHeads * headDim;
    const copy = state.layers[at]!;
    const stored = page.layers[at]!;
    for (let head = 0; head < kvHeads; head++) {
      for (let row = 0; row < count; row++) {
        const source = ((from + row) * kvHeads + head) * headDim;
        const k = key.subarray(source, source + headDim);
        const v = value.subarray(source, source + headDim);
        const inPage = (head * this.#pageTokens + ((position + row) % this.#pageTokens)) * headDim;
        stored.set(k, inPage);
        stored.set(v, half + inPage);
        const inCopy = (head * state.capacity + position + row) * headDim;
        copy.key.set(k, inCopy);
        copy.value.set(v, inCopy);
      }
    }
  }

  #toCopy(group: number, state: SlotGroup, index: number, page: Page): void {
    const first = index * this.#pageTokens;
    const rows = Math.min(this.#pageTokens, state.capacity - first);
    this.#groups[group]!.layers.forEach((layer, at) => {
      const { kvHeads, headDim } = this.#caches[layer]!;
      const half = this.#pageTokens * kvHeads * headDim;
      const stored = page.layers[at]!;
      const { key, value } = state.layers[at]!;
      for (let head = 0; head < kvHeads; head++) {
        const from = head * this.#pageTokens * headDim;
        const to = (head * state.capacity + first) * headDim;
        key.set(stored.subarray(from, from + rows * headDim), to);
        value.set(stored.subarray(half + from, half + from + rows * headDim), to);
      }
    });
  }

  #reserve(group: number, state: SlotGroup, end: number): void {
    if (end <= state.capacity) return;
    const old = state.capacity;
    let capacity = Math.max(old, FIRST_CAPACITY);
    while (capacity < end) capacity *= 2;
    capacity = Math.max(end, Math.min(capacity, this.#context));
    this.#groups[group]!.layers.forEach((layer, at) => {
      const { kvHeads, headDim } = this.#caches[layer]!;
      const grow = (data: Float32Array | undefined) => {
        const larger = new Float32Array(kvHeads * capacity * headDim);
        if (data)
          for (let head = 0; head < kvHeads; head++) {
            const from = head * old * headDim;
            larger.set(data.subarray(from, from + old * headDim), head * capacity * headDim);
          }
        return larger;
      };
      const { key, value } = state.layers[at] ?? {};
      state.layers[at] = { key: grow(key), value: grow(value) };
    });
    state.capacity = capacity;
  }

  #place(layer: number): { readonly group: number; readonly at: number } {
    const group = this.#groups.findIndex(({ layers }) => layers.includes(layer));
    return { group, at: this.#groups[group]!.layers.indexOf(layer) };
  }

  #page(group: number, number: number): Page {
    const pool = this.#pages[group]!;
    let page = pool.get(number);
    if (!page) {
      const layers = this.#groups[group]!.layers.map((layer) => {
        const { kvHeads, headDim } = this.#caches[layer]!;
        return new Float32Array(2 * this.#pageTokens * kvHeads * headDim);
      });
      page = { version: ++this.#version, layers };
      pool.set(number, page);
    }
    return page;
  }
}

function unmapped(slot: number, group: number, index: number): FennecError {
  return new FennecError(
    "invalid-argument",
    `step: slot ${slot} has no page ${index} in cache group ${group}; map one in \`pages\`.`,
  );
}

function neverWritten(slot: number, group: number, position: number): FennecError {
  return new FennecError(
    "invalid-argument",
    `step: slot ${slot} reads position ${position} of cache group ${group}, which was never written; map the right ` +
      "page, or feed that position first.",
  );
}
