// Keys and values of the onnx backend. Attention reads contiguous memory, so each slot has a buffer per layer, in which
// the runtime itself puts a step's new rows. Pages, which the engine thinks in, are names for parts of those buffers: a
// page lies where its slot wrote it, and moves to a store of its own only when the slot needs the place for another.

import { FennecError } from "../../errors";
import type { CacheSpec } from "../../graph/graph";
import type { CacheGroup, PageWrite } from "../backend";
import { elementsOf, type HeldTensor } from "./runtime";

/** Rows of a slot's buffers are a multiple of this. */
const CAPACITY_STEP = 64;

/** A quarter more than is needed, so that a sequence seldom moves. */
const SPARE = 1.25;

/**
 * Rows of all slots' buffers together at most: what sequences of `kvTokens` need at once. A slot that makes room is
 * brought back from stored pages when it runs again.
 */
export function mostRows({ kvTokens, slots }: Pick<KvSizes, "kvTokens" | "slots">): number {
  return Math.ceil(kvTokens * SPARE) + slots * CAPACITY_STEP;
}

/** The content of a page: new content is a new object. */
interface Page {
  readonly number: number;
  /** Where the content lies: in a slot's buffers at `index`, or in a store. */
  home: { readonly slot: SlotGroup; readonly index: number } | { readonly layers: readonly Float32Array[] };
}

/** Of one layer: `[1, kvHeads, capacity, headDim]` each. */
export interface KeysAndValues {
  readonly key: HeldTensor;
  readonly value: HeldTensor;
}

interface SlotGroup {
  /** Page by index. */
  readonly table: number[];
  /** What the buffers have at an index. */
  readonly held: (Page | undefined)[];
  capacity: number;
  /** By layer of the group. */
  readonly layers: KeysAndValues[];
  /** Counts runs; of the last one. */
  lastRun: number;
}

/** New keys and values of a run, `[rows, kvHeads · headDim]` each. */
export interface NewRows {
  readonly key: Float32Array;
  readonly value: Float32Array;
}

export interface KvSizes {
  readonly pageTokens: number;
  readonly slots: number;
  readonly context: number;
  /** Of all sequences together. */
  readonly kvTokens: number;
  /** Zeros, in the runtime's memory. */
  readonly createTensor: (dims: readonly number[]) => HeldTensor;
}

export class KvStore {
  readonly #groups: readonly CacheGroup[];
  readonly #caches: readonly CacheSpec[];
  readonly #sizes: KvSizes;
  readonly #pages: readonly Map<number, Page>[];
  /** By slot, then group. */
  readonly #slots: readonly (readonly SlotGroup[])[];
  /** By layer. */
  readonly #places: readonly { readonly group: number; readonly at: number }[];
  #runs = 0;

  constructor(caches: readonly CacheSpec[], groups: readonly CacheGroup[], sizes: KvSizes) {
    this.#caches = caches;
    this.#groups = groups;
    this.#sizes = sizes;
    this.#pages = groups.map(() => new Map());
    this.#slots = Array.from({ length: sizes.slots }, () =>
      groups.map(() => ({ table: [], held: [], capacity: 0, layers: [], lastRun: 0 })),
    );
    this.#places = caches.map(({ layer }) => {
      const group = groups.findIndex(({ layers }) => layers.includes(layer));
      return { group, at: groups[group]!.layers.indexOf(layer) };
    });
  }

  /** In the runtime's memory. */
  get bufferBytes(): number {
    const buffers = this.#slots.flat().flatMap(({ layers }) => layers);
    return buffers.reduce((sum, { key }) => sum + 8 * elementsOf(key.dims), 0);
  }

  /** Of pages that had to make room. */
  get storedBytes(): number {
    const stored = this.#pages.flatMap((pool) => [...pool.values()]).flatMap(({ home }) => storedIn(home));
    return stored.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  release(): void {
    for (const state of this.#slots.flat()) releaseAll(state);
  }

  map({ group, slot, index, page }: PageWrite): void {
    this.#slots[slot]![group]!.table[index] = page;
  }

  copy(group: number, from: number, to: number): void {
    const source = this.#pages[group]!.get(from);
    if (source) this.#pages[group]!.set(to, { number: to, home: { layers: this.#contentOf(group, source) } });
    else this.#pages[group]!.delete(to); // nothing was written there
  }

  /**
   * Makes a slot's buffers hold what a run of rows `first ... end - 1` reads, with room for the rows themselves. What
   * else lies in that room is stored. Until {@link commit}, the pages of the rows have no content.
   *
   * @throws FennecError `invalid-argument` for a page that is not mapped, or that was never written.
   */
  prepare(slot: number, first: number, end: number): void {
    const { pageTokens } = this.#sizes;
    this.#runs++;
    this.#groups.forEach(({ window }, group) => {
      const state = this.#slots[slot]![group]!;
      state.lastRun = this.#runs;
      this.#reserve(group, state, end);
      const oldest = window === undefined ? 0 : Math.max(0, first - window + 1);
      for (let index = Math.floor(oldest / pageTokens); index * pageTokens < end; index++) {
        const number = state.table[index];
        if (number === undefined) throw unmapped(slot, group, index);
        if (index * pageTokens >= first) continue; // nothing of it is read
        const page = this.#pages[group]!.get(number);
        if (!page) throw neverWritten(slot, group, index * pageTokens);
        if (state.held[index] === page) continue;
        this.#giveWay(group, state, index);
        this.#bring(group, state, index, page);
        state.held[index] = page;
      }
      for (let index = Math.floor(first / pageTokens); index * pageTokens < end; index++) {
        const number = state.table[index]!;
        if (state.held[index]?.number !== number) this.#giveWay(group, state, index);
        state.held[index] = undefined;
        this.#pages[group]!.delete(number);
      }
    });
  }

  /** A slot's buffers of a layer. Rows beyond those that {@link prepare} was told of hold anything finite. */
  contiguous(slot: number, layer: number): KeysAndValues & { readonly capacity: number } {
    const { group, at } = this.#places[layer]!;
    const { layers, capacity } = this.#slots[slot]![group]!;
    return { ...layers[at]!, capacity };
  }

  /** Puts a run's rows from position `first` on into the buffers, where the runtime did not do it itself. */
  write(slot: number, first: number, newRows: ReadonlyMap<number, NewRows>): void {
    for (const [layer, { key, value }] of newRows) {
      const { kvHeads, headDim } = this.#caches[layer]!;
      const buffers = this.contiguous(slot, layer);
      const rows = key.length / (kvHeads * headDim);
      for (const [from, to] of [
        [key, buffers.key.view],
        [value, buffers.value.view],
      ] as const)
        for (let head = 0; head < kvHeads; head++)
          for (let row = 0; row < rows; row++) {
            const source = (row * kvHeads + head) * headDim;
            to.set(from.subarray(source, source + headDim), (head * buffers.capacity + first + row) * headDim);
          }
    }
  }

  /** The buffers have the rows of {@link prepare}: from now on they are the content of their pages. */
  commit(slot: number, first: number, end: number): void {
    const { pageTokens } = this.#sizes;
    this.#groups.forEach((_, group) => {
      const state = this.#slots[slot]![group]!;
      for (let index = Math.floor(first / pageTokens); index * pageTokens < end; index++) {
        const page: Page = { number: state.table[index]!, home: { slot: state, index } };
        this.#pages[group]!.set(page.number, page);
        state.held[index] = page;
      }
    });
  }

  /** Stores the page at an index of a slot's buffers, if its content lies nowhere else. */
  #giveWay(group: number, state: SlotGroup, index: number): void {
    const page = state.held[index];
    state.held[index] = undefined;
    if (!page || this.#pages[group]!.get(page.number) !== page) return; // its number has other content by now
    if ("layers" in page.home || page.home.slot !== state || page.home.index !== index) return;
    page.home = { layers: this.#contentOf(group, page) };
  }

  /** A copy of a page's content: by layer of the group, keys then values, each `[kvHeads, pageTokens, headDim]`. */
  #contentOf(group: number, { home }: Page): Float32Array[] {
    if ("layers" in home) return home.layers.map((layer) => layer.slice());
    return this.#groups[group]!.layers.map((layer, at) => {
      const { kvHeads, headDim } = this.#caches[layer]!;
      const content = new Float32Array(2 * this.#sizes.pageTokens * kvHeads * headDim);
      this.#move(layer, this.#partOf(home.slot, at, home.index), contentParts(content));
      return content;
    });
  }

  #bring(group: number, state: SlotGroup, index: number, { home }: Page): void {
    this.#groups[group]!.layers.forEach((layer, at) => {
      const from = "layers" in home ? contentParts(home.layers[at]!) : this.#partOf(home.slot, at, home.index);
      this.#move(layer, from, this.#partOf(state, at, index));
    });
  }

  /** Copies a page of one layer, head by head. */
  #move(layer: number, from: PagePart, to: PagePart): void {
    const { kvHeads, headDim } = this.#caches[layer]!;
    const rows = Math.min(from.rows ?? this.#sizes.pageTokens, to.rows ?? this.#sizes.pageTokens);
    const stride = ({ capacity = this.#sizes.pageTokens }: PagePart) => capacity * headDim;
    for (const side of ["key", "value"] as const)
      for (let head = 0; head < kvHeads; head++) {
        const source = head * stride(from) + from.first * headDim;
        const rowsOfHead = from[side].subarray(source, source + rows * headDim);
        to[side].set(rowsOfHead, head * stride(to) + to.first * headDim);
      }
  }

  #partOf({ layers, capacity }: SlotGroup, at: number, index: number): PagePart {
    const first = index * this.#sizes.pageTokens;
    const { key, value } = layers[at]!;
    return { key: key.view, value: value.view, capacity, first, rows: capacity - first };
  }

  #reserve(group: number, state: SlotGroup, end: number): void {
    if (end <= state.capacity) return;
    const old = state.capacity;
    const stepped = (rows: number) => Math.ceil(rows / CAPACITY_STEP) * CAPACITY_STEP;
    const capacity = Math.max(end, Math.min(stepped(old === 0 ? end : end * SPARE), this.#sizes.context));
    this.#makeRoom(group, state, capacity - old);
    this.#groups[group]!.layers.forEach((layer, at) => {
      const { kvHeads, headDim } = this.#caches[layer]!;
      const grow = (small: HeldTensor | undefined) => {
        const large = this.#sizes.createTensor([1, kvHeads, capacity, headDim]);
        if (small) {
          for (let head = 0; head < kvHeads; head++) {
            const from = head * old * headDim;
            large.view.set(small.view.subarray(from, from + old * headDim), head * capacity * headDim);
          }
          small.release();
        }
        return large;
      };
      const { key, value } = state.layers[at] ?? {};
      state.layers[at] = { key: grow(key), value: grow(value) };
    });
    state.capacity = capacity;
  }

  /** Lets go of the buffers of slots that ran longest ago, until `rows` more are allowed. */
  #makeRoom(group: number, own: SlotGroup, rows: number): void {
    const all = this.#slots.map((groups) => groups[group]!);
    const used = () => all.reduce((sum, { capacity }) => sum + capacity, 0);
    while (used() + rows > mostRows(this.#sizes)) {
      const [oldest] = all.filter((state) => state !== own && state.capacity > 0).sort((a, b) => a.lastRun - b.lastRun);
      if (!oldest) return;
      for (const index of oldest.held.keys()) this.#giveWay(group, oldest, index);
      oldest.held.length = 0;
      oldest.capacity = 0;
      releaseAll(oldest);
    }
  }
}

function releaseAll({ layers }: SlotGroup): void {
  for (const { key, value } of layers.splice(0)) for (const tensor of [key, value]) tensor.release();
}

/** A page's rows of one layer: in buffers from row `first` on, or in a store, whose heads lie a page apart. */
interface PagePart {
  readonly key: Float32Array;
  readonly value: Float32Array;
  readonly first: number;
  /** Rows of a head; a page's when absent. */
  readonly capacity?: number;
  /** Rows that are there; a page's when absent. */
  readonly rows?: number;
}

function contentParts(content: Float32Array): PagePart {
  const half = content.length / 2;
  return { key: content.subarray(0, half), value: content.subarray(half), first: 0 };
}

function storedIn(home: Page["home"]): readonly Float32Array[] {
  return "layers" in home ? home.layers : [];
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
