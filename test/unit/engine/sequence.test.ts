// Page tables and the prefix index together, without a backend: what is shared, what is copied, what comes back.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_PAGE } from "../../../src/engine/pages";
import { KvCache, Sequence } from "../../../src/engine/sequence";

const PAGE = 4;

function cacheOf(windows: readonly (number | undefined)[] = [undefined], pages = 64): KvCache {
  const groups = windows.map((window, i) => ({ layers: [i], pages, pageBytes: 1, ...(window && { window }) }));
  return new KvCache({ groups, pageTokens: PAGE });
}

/** Runs everything that a sequence has, as the scheduler would. */
function run(sequence: Sequence): Sequence {
  expect(sequence.reserve(sequence.tokens.length - sequence.submitted)).toBe(true);
  sequence.submitted = sequence.tokens.length;
  sequence.takeChanges();
  sequence.publish(true);
  return sequence;
}

const tokens = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

/** Every page is free once nobody and not even the index needs it. */
function expectNoLeak(cache: KvCache): void {
  cache.index.clear();
  expect(cache.pools.map((pool) => pool.free)).toEqual(cache.pools.map((pool) => pool.size));
}

describe("prefix reuse", () => {
  test("whole pages are shared, the rest of the match is copied", () => {
    const cache = cacheOf();
    const first = run(new Sequence(cache, tokens(11)));
    const second = new Sequence(cache, [...tokens(10), 99, 98]);
    expect(second.cached).toBe(10);
    expect(second.tables[0]!.slice(0, 2)).toEqual(first.tables[0]!.slice(0, 2));
    const { copies } = second.takeChanges();
    expect(copies).toEqual([{ group: 0, from: first.tables[0]![2], to: second.tables[0]![2] }]);
    first.release();
    second.drop();
    expectNoLeak(cache);
  });

  test("the last token always runs: a prompt that is there already has one row left", () => {
    const cache = cacheOf();
    run(new Sequence(cache, tokens(8))).release();
    const again = new Sequence(cache, tokens(8));
    expect(again.cached).toBe(7);
    again.drop();
    expectNoLeak(cache);
  });

  test("a finished sequence's last page is continued in place, without a copy", () => {
    const cache = cacheOf();
    const first = run(new Sequence(cache, tokens(10)));
    const lastPage = first.tables[0]![2];
    first.release();
    const next = new Sequence(cache, tokens(13));
    expect(next.cached).toBe(10);
    expect(next.tables[0]![2]).toBe(lastPage);
    expect(next.takeChanges().copies).toEqual([]);
    run(next).release();
    expectNoLeak(cache);
  });

  test("tokens that the host has not accepted are not shared, though their rows ran", () => {
    const cache = cacheOf();
    const first = run(new Sequence(cache, tokens(6)));
    first.reserve(6);
    first.submitted += 6; // six steps ahead
    first.tokens.push(6);
    first.release();
    const next = new Sequence(cache, tokens(20));
    expect(next.cached).toBe(7);
    next.drop();
    expectNoLeak(cache);
  });

  test("a sequence aborted before its copy ran leaves the original in the index, not the copy", () => {
    const cache = cacheOf();
    const first = run(new Sequence(cache, tokens(7)));
    const fork = new Sequence(cache, [0, 1, 2, 3, 4, 5, 77]);
    const copy = fork.tables[0]![1]!;
    first.release();
    cache.makeRoom(0, cache.pools[0]!.size); // evicts all but what the fork holds
    fork.release();
    expect(cache.pools[0]!.holders(copy)).toBe(0);
    expect(cache.index.match(tokens(20), 19).length).toBe(7);
    expectNoLeak(cache);
  });

  test("without a page to copy to, only whole pages are shared", () => {
    const cache = cacheOf([undefined], 3);
    const first = run(new Sequence(cache, tokens(11)));
    const second = new Sequence(cache, [...tokens(10), 50]);
    expect(second.cached).toBe(8);
    first.release();
    second.drop();
    expectNoLeak(cache);
  });
});

describe("rewind and fork", () => {
  test("rewinding costs only the rows after the point", () => {
    const cache = cacheOf();
    const sequence = run(new Sequence(cache, tokens(19)));
    sequence.release();
    const rewound = new Sequence(cache, [...tokens(9), 40, 41]);
    expect(rewound.cached).toBe(9);
    run(rewound).release();
    expectNoLeak(cache);
  });

  test("forks of a running sequence share its whole pages and nothing they may write", () => {
    const cache = cacheOf();
    const parent = run(new Sequence(cache, tokens(10)));
    const forks = [new Sequence(cache, tokens(10)), new Sequence(cache, tokens(10))];
    for (const fork of forks) {
      expect(fork.cached).toBe(9);
      expect(fork.tables[0]!.slice(0, 2)).toEqual(parent.tables[0]!.slice(0, 2));
    }
    const last = [parent, ...forks].map(({ tables }) => tables[0]![2]);
    expect(new Set(last).size).toBe(3);
    for (const sequence of [parent, ...forks]) sequence.drop();
    expectNoLeak(cache);
  });
});

describe("window groups", () => {
  test("pages come back when no row can see them any more", () => {
    const cache = cacheOf([undefined, 6]);
    const sequence = new Sequence(cache, tokens(40), false);
    for (let i = 0; i < 40; i += 4) {
      sequence.reserve(4);
      sequence.submitted += 4;
    }
    sequence.reserve(1);
    const [whole, window] = sequence.tables;
    expect(whole!.filter((page) => page !== NO_PAGE)).toHaveLength(11);
    // Position 40 sees 35 ... 40: pages 8, 9 and 10.
    expect(window!.map((page) => page !== NO_PAGE)).toEqual([...Array(8).fill(false), true, true, true]);
    expect(cache.pools[1]!.free).toBe(64 - 3);
    sequence.drop();
    expectNoLeak(cache);
  });

  test("a match needs only the window's last pages, and ends earlier where they are gone", () => {
    const cache = cacheOf([undefined, 6]);
    run(new Sequence(cache, tokens(40))).release();
    const full = new Sequence(cache, [...tokens(40), 90]);
    expect(full.cached).toBe(40);
    expect(full.tables[1]!.filter((page) => page !== NO_PAGE)).toHaveLength(2);
    full.drop();
    // The index gives up window pages, the oldest first; the last two stay.
    while (cache.pools[1]!.free < 62) cache.index.evict(1);
    const still = new Sequence(cache, [...tokens(40), 90]);
    expect(still.cached).toBe(40);
    still.drop();
    cache.index.evict(1);
    const gone = new Sequence(cache, [...tokens(40), 90]);
    expect(gone.cached).toBe(0);
    gone.drop();
    expectNoLeak(cache);
  });

  test("a model whose layers all have windows shares and cleans up too", () => {
    const cache = cacheOf([6], 8);
    run(new Sequence(cache, tokens(20))).release();
    const next = new Sequence(cache, tokens(24));
    expect(next.cached).toBe(20);
    next.drop();
    cache.makeRoom(0, 8);
    expect(cache.index.root.children).toEqual([]);
  });
});

describe("eviction", () => {
  test("the least recently used prefix goes first, from its end", () => {
    const cache = cacheOf([undefined], 8);
    run(new Sequence(cache, tokens(16, 100))).release();
    run(new Sequence(cache, tokens(16, 200))).release();
    new Sequence(cache, [...tokens(16, 100), 1]).drop(); // used again
    expect(cache.makeRoom(0, 2)).toBe(true);
    const [older, newer] = [tokens(17, 200), tokens(17, 100)].map((t) => cache.index.match(t, 16).length);
    expect([older, newer]).toEqual([8, 16]);
  });

  test("a prefix that nobody holds is not counted twice, as shared and as room", () => {
    const cache = cacheOf([undefined], 6);
    run(new Sequence(cache, tokens(8))).release();
    const other = run(new Sequence(cache, tokens(8, 500)));
    expect(cache.available(0)).toBe(4);
    // 16 tokens and one more are five pages: two of them shared, two free, none left for the fifth.
    expect(cache.fits(tokens(16), 8)).toBe(false);
    expect(cache.fits(tokens(15), 8)).toBe(true);
    other.release();
    expect(cache.fits(tokens(16), 8)).toBe(true);
  });

  test("what a running sequence holds stays", () => {
    const cache = cacheOf([undefined], 4);
    const held = run(new Sequence(cache, tokens(12)));
    expect(cache.available(0)).toBe(1);
    expect(cache.makeRoom(0, 2)).toBe(false);
    held.release();
    expect(cache.available(0)).toBe(4);
    expectNoLeak(cache);
  });
});

test("a match is the longest prefix that any finished sequence had, and no page leaks (property)", () => {
  // Few different tokens, so that sequences branch everywhere inside pages.
  const sequence = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 22 });
  const common = (a: readonly number[], b: readonly number[]) => {
    let i = 0;
    while (i < a.length && i < b.length && a[i] === b[i]) i++;
    return i;
  };
  fc.assert(
    fc.property(fc.array(sequence, { minLength: 1, maxLength: 14 }), fc.boolean(), (list, windowed) => {
      const cache = cacheOf(windowed ? [undefined, 30] : [undefined], 400);
      list.forEach((prompt, i) => {
        const best = Math.max(0, ...list.slice(0, i).map((other) => common(other, prompt)));
        const next = new Sequence(cache, prompt);
        expect(next.cached).toBe(Math.min(best, prompt.length - 1));
        run(next).release();
      });
      expectNoLeak(cache);
    }),
    { numRuns: 300, seed: 7 },
  );
});
