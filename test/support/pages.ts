// The simplest page bookkeeping that is correct, for tests without an engine: each slot has its own part of every pool
// and goes round in it, so that a window's old pages are used again.

import type { Backend, PageWrite } from "../../src/backends/backend";

export class TestPages {
  readonly #backend: Backend;
  /** By slot: pages mapped so far, by group. */
  readonly #mapped: number[][];

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#mapped = Array.from({ length: backend.limits.slots }, () => backend.groups.map(() => 0));
  }

  /** The page that holds page `index` of a slot. */
  pageOf(group: number, slot: number, index: number): number {
    const each = Math.floor(this.#backend.groups[group]!.pages / this.#backend.limits.slots);
    return slot * each + (index % each);
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
