// The simplest page bookkeeping that is correct, for tests without an engine: each slot has its own part of every pool
// and goes round in it, so that a window's old pages are used again.

import type { Backend, PageWrite } from "../../src/backends/backend";

export class TestPages {
  readonly #backend: Backend;
  readonly #ringPages: number;
  /** By slot, then group: pages mapped so far. */
  readonly #mapped: number[][];

  /** @param ringPages Pages that a slot goes round in where there is a window, at most; its share of the pool otherwise. */
  constructor(backend: Backend, ringPages = Number.POSITIVE_INFINITY) {
    this.#backend = backend;
    this.#ringPages = ringPages;
    this.#mapped = Array.from({ length: backend.limits.slots }, () => backend.groups.map(() => 0));
  }

  /** The page that holds page `index` of a slot. */
  pageOf(group: number, slot: number, index: number): number {
    const { pages, window } = this.#backend.groups[group]!;
    const share = Math.floor(pages / this.#backend.limits.slots);
    const ring = window === undefined ? share : Math.min(share, this.#ringPages);
    return slot * share + (index % ring);
  }

  /** Writes that make room for the first `tokens` tokens of a slot. */
  grow(slot: number, tokens: number): PageWrite[] {
    const needed = Math.ceil(tokens / this.#backend.pageTokens);
    return this.#backend.groups.flatMap((_, group) => {
      const first = this.#mapped[slot]![group]!;
      this.#mapped[slot]![group] = Math.max(first, needed);
      return Array.from({ length: Math.max(0, needed - first) }, (_, n): PageWrite => {
        const index = first + n;
        return { group, slot, index, page: this.pageOf(group, slot, index) };
      });
    });
  }

  /** A new sequence enters the slot. */
  reset(slot: number): void {
    this.#mapped[slot] = this.#backend.groups.map(() => 0);
  }
}
