import { expect, test } from "vitest";
import { cacheGroups, pagesPerSequence } from "../../../src/backends/cache_groups";
import type { CacheSpec, Graph } from "../../../src/graph/graph";

const sizes = {
  pageTokens: 32,
  headBytes: (headDim: number) => 4 * headDim,
  chunk: 512,
  slots: 4,
  context: 4096,
  kvTokens: 8192,
};

function graphOf(windows: readonly (number | undefined)[]): Graph {
  const caches = windows.map((window, layer): CacheSpec => {
    return { layer, kvHeads: 2, headDim: 8, ...(window !== undefined && { window }) };
  });
  return { nodes: [], output: { id: 0, rows: "outputs", width: 1 }, caches };
}

test("one group for layers without a window: all tokens, and a partly filled page for each further slot", () => {
  expect(cacheGroups(graphOf([undefined, undefined]), sizes)).toEqual([
    { layers: [0, 1], pages: 8192 / 32 + 3, pageBytes: 2 * (2 * 32 * 2 * 8 * 4) },
  ]);
});

test("a group per window, in the order of their first layers", () => {
  const groups = cacheGroups(graphOf([512, 512, undefined, 1024, 512]), sizes);
  expect(groups.map(({ layers, window }) => ({ layers, window }))).toEqual([
    { layers: [0, 1, 4], window: 512 },
    { layers: [2], window: undefined },
    { layers: [3], window: 1024 },
  ]);
  // 511 + 512 tokens anywhere touch 33 pages.
  expect(groups.map(({ pages }) => pages)).toEqual([4 * 33, 8192 / 32 + 3, 4 * 49]);
});

test("a window longer than the pool needs no more pages than one without", () => {
  const [group] = cacheGroups(graphOf([100_000]), sizes);
  expect(group!.pages).toBe(8192 / 32 + 3);
});

// Counted by trying every place where a chunk may begin.
test.each([
  [64, 1, 32],
  [64, 16, 32],
  [1, 1, 32],
  [2, 1, 32],
  [33, 7, 5],
  [64, 512, 32],
])(
  "a window of %i with chunks of %i on pages of %i needs so many pages, and not one more",
  (window, chunk, pageTokens) => {
    let most = 0;
    for (let start = 2000; start < 2000 + pageTokens; start++) {
      const first = Math.floor((start - window + 1) / pageTokens);
      const last = Math.floor((start + chunk - 1) / pageTokens);
      most = Math.max(most, last - first + 1);
    }
    expect(pagesPerSequence(window, { ...sizes, chunk, pageTokens })).toBe(most);
  },
);
