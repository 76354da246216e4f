// How every backend divides the KV cache: layers with equal windows form a group with its own page table and pool, so
// that pages which left a window really go back.

import type { CacheSpec, Graph } from "../graph/graph";
import type { CacheGroup } from "./backend";

export interface CacheSizes {
  /** Tokens in a page. */
  readonly pageTokens: number;
  /** Bytes of the key, or the value, of one token and key head. */
  readonly headBytes: (headDim: number) => number;
  /** Rows in one step at most. */
  readonly chunk: number;
  readonly slots: number;
  /** Longest single sequence, tokens. */
  readonly context: number;
  /** Tokens that all sequences together may hold. */
  readonly kvTokens: number;
}

/**
 * Groups in the order of their first layers.
 *
 * A pool without a window holds `kvTokens`, and one page more for each further sequence, since each has a page that is
 * partly filled. A window's pool holds what each slot needs while a chunk runs: the chunk and the window before it.
 */
export function cacheGroups(graph: Graph, sizes: CacheSizes): readonly CacheGroup[] {
  const byWindow = new Map<number | undefined, CacheSpec[]>();
  for (const cache of graph.caches) {
    const layers = byWindow.get(cache.window);
    if (layers) layers.push(cache);
    else byWindow.set(cache.window, [cache]);
  }
  return [...byWindow].map(([window, caches]) => ({
    layers: caches.map((cache) => cache.layer),
    ...(window !== undefined && { window }),
    pages: poolPages(window, sizes),
    pageBytes: caches.reduce((bytes, cache) => bytes + layerPageBytes(cache, sizes), 0),
  }));
}

/** Keys and values of one page of one layer. */
export function layerPageBytes(cache: CacheSpec, sizes: Pick<CacheSizes, "pageTokens" | "headBytes">): number {
  return 2 * sizes.pageTokens * cache.kvHeads * sizes.headBytes(cache.headDim);
}

/** Pages that a sequence needs at once in a group with this window, while a chunk of rows runs. */
export function pagesPerSequence(window: number | undefined, sizes: Omit<CacheSizes, "headBytes">): number {
  const whole = Math.ceil(sizes.context / sizes.pageTokens);
  if (window === undefined) return whole;
  // A chunk reads the window - 1 tokens before it; a run of n tokens touches at most ceil((n - 1) / page) + 1 pages.
  const tokens = window - 1 + Math.min(sizes.chunk, sizes.context);
  return Math.min(whole, Math.ceil((tokens - 1) / sizes.pageTokens) + 1);
}

function poolPages(window: number | undefined, sizes: CacheSizes): number {
  const all = Math.ceil(sizes.kvTokens / sizes.pageTokens) + sizes.slots - 1;
  return window === undefined ? all : Math.min(all, sizes.slots * pagesPerSequence(window, sizes));
}
