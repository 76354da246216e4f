// The pages of one cache group: which are free, and how many hold each of the others. Bookkeeping only: a page's bytes
// are the backend's, its meaning is a sequence's or the prefix index's.
//
// A page may be taken again as soon as it is free, even while steps that name it in its old role are still running:
// steps run in the order submitted, so every step that names it from now on runs after them.

import { FennecError } from "../errors";

/** Marks an index of a page table that has no page. */
export const NO_PAGE = -1;

/** A reference-counted pool of pages `0 ... size - 1`. */
export class PagePool {
  readonly size: number;
  readonly #holders: Uint32Array;
  readonly #free: number[];

  constructor(size: number) {
    this.size = size;
    this.#holders = new Uint32Array(size);
    this.#free = Array.from({ length: size }, (_, i) => size - 1 - i);
  }

  get free(): number {
    return this.#free.length;
  }

  /** How many hold the page; 0 is free. */
  holders(page: number): number {
    return this.#holders[page] ?? 0;
  }

  /** Takes a free page, held once. */
  take(): number {
    const page = this.#free.pop();
    if (page === undefined) throw broken(`take: all ${this.size} pages are held`);
    this.#holders[page] = 1;
    return page;
  }

  hold(page: number): void {
    if (this.holders(page) === 0) throw broken(`hold: page ${page} of ${this.size} is free`);
    this.#holders[page]! += 1;
  }

  release(page: number): void {
    if (this.holders(page) === 0) throw broken(`release: page ${page} of ${this.size} is free already`);
    this.#holders[page]! -= 1;
    if (this.#holders[page] === 0) this.#free.push(page);
  }
}

/** A bug of the engine itself; `invalid-argument` because the caller inside asked for what cannot be. */
function broken(message: string): FennecError {
  return new FennecError("invalid-argument", `page pool: ${message}; please report this`);
}
