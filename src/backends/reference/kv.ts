// Paged keys and values in f64. Pages are made when first written. Each key remembers its position, so that a page table
// that leads to a key never written, or to another position's, is an error here and not a wrong answer.

import { FennecError } from "../../errors";
import type { CacheSpec } from "../../graph/graph";
import type { CacheGroup, PageWrite } from "../backend";

interface Page {
  /** `[pageTokens, kvHeads · headDim]` */
  readonly keys: Float64Array;
  readonly values: Float64Array;
  /** `[pageTokens]`; -1: never written. */
  readonly positions: Int32Array;
}

/** A key and its value: where they start in the page's arrays. */
export interface KeyValue {
  readonly page: Page;
  readonly offset: number;
}

export class KvCache {
  readonly #groups: readonly CacheGroup[];
  readonly #pageTokens: number;
  /** By layer. */
  readonly #widths: readonly number[];
  readonly #groupOf: readonly number[];
  /** By layer, then page. */
  readonly #pages: readonly Map<number, Page>[];
  /** By group, then slot: pages by index. */
  readonly #tables: readonly (readonly number[][])[];

  constructor(caches: readonly CacheSpec[], groups: readonly CacheGroup[], pageTokens: number, slots: number) {
    this.#groups = groups;
    this.#pageTokens = pageTokens;
    this.#widths = caches.map((cache) => cache.kvHeads * cache.headDim);
    this.#groupOf = caches.map((cache) => groups.findIndex((group) => group.layers.includes(cache.layer)));
    this.#pages = caches.map(() => new Map());
    this.#tables = groups.map(() => Array.from({ length: slots }, () => []));
  }

  get bytes(): number {
    return this.#pages.reduce(
      (bytes, pages, layer) => bytes + pages.size * this.#pageTokens * (16 * this.#widths[layer]! + 4),
      0,
    );
  }

  map({ group, slot, index, page }: PageWrite): void {
    this.#tables[group]![slot]![index] = page;
  }

  /** Copies page `from` over page `to` in every layer of the group. */
  copy(group: number, from: number, to: number): void {
    for (const layer of this.#groups[group]!.layers) {
      const source = this.#pages[layer]!.get(from);
      if (!source) {
        this.#pages[layer]!.delete(to); // nothing was written there
        continue;
      }
      const target = this.#page(layer, to);
      target.keys.set(source.keys);
      target.values.set(source.values);
      target.positions.set(source.positions);
    }
  }

  /** Stores a row's k and v, `[kvHeads · headDim]` each, starting at `from` in their arrays. */
  append(layer: number, slot: number, position: number, k: Float64Array, v: Float64Array, from: number): void {
    const page = this.#page(layer, this.#lookup(layer, slot, position));
    const width = this.#widths[layer]!;
    const row = position % this.#pageTokens;
    page.keys.set(k.subarray(from, from + width), row * width);
    page.values.set(v.subarray(from, from + width), row * width);
    page.positions[row] = position;
  }

  read(layer: number, slot: number, position: number): KeyValue {
    const page = this.#pages[layer]!.get(this.#lookup(layer, slot, position));
    const row = position % this.#pageTokens;
    if (!page || page.positions[row] !== position)
      throw new FennecError(
        "invalid-argument",
        `step: slot ${slot} reads position ${position} of layer ${layer}, which ` +
          (page && page.positions[row]! >= 0 ? `holds position ${page.positions[row]}` : "was never written") +
          "; map the right page, or feed that position first.",
      );
    return { page, offset: row * this.#widths[layer]! };
  }

  #lookup(layer: number, slot: number, position: number): number {
    const group = this.#groupOf[layer]!;
    const index = Math.floor(position / this.#pageTokens);
    const page = this.#tables[group]![slot]![index];
    if (page === undefined)
      throw new FennecError(
        "invalid-argument",
        `step: slot ${slot} has no page ${index} in cache group ${group} (position ${position}); map one in \`pages\`.`,
      );
    return page;
  }

  #page(layer: number, number: number): Page {
    const pages = this.#pages[layer]!;
    let page = pages.get(number);
    if (!page) {
      const size = this.#pageTokens * this.#widths[layer]!;
      const positions = new Int32Array(this.#pageTokens).fill(-1);
      page = { keys: new Float64Array(size), values: new Float64Array(size), positions };
      pages.set(number, page);
    }
    return page;
  }
}
