// Finds the pages that already hold the keys and values of a prompt's beginning. A tree: the path from the root to a
// node is a token prefix, the node has the page of its last `pageTokens` tokens in each cache group. Prefixes are
// compared token by token, so two that merely hash alike can never be confused.
//
// The index holds each of its pages once. Pages that nobody else holds are what may be evicted, the least recently
// used first: of unwindowed groups from the ends of paths, because a path is worth nothing without its beginning; of
// window groups anywhere, because only the last `window` tokens of a match need theirs.

import type { CacheGroup } from "../backends/backend";
import { NO_PAGE, type PagePool } from "./pages";

export interface PrefixNode {
  readonly parent: PrefixNode | undefined;
  /** Which page of its sequences this is, from 0; -1 for the root. */
  readonly index: number;
  /** The page's tokens: `pageTokens` of them, or fewer in a node that ends a prefix inside its page. */
  readonly tokens: readonly number[];
  /** `[groups]`: page numbers, or NO_PAGE where a window group has given it back. */
  readonly pages: number[];
  readonly children: PrefixNode[];
  lastUsed: number;
  /** False once evicted: what would hang below it has to be inserted from the root again. */
  alive: boolean;
}

export interface PrefixMatch {
  /** Wholly matched nodes, from the start. */
  readonly nodes: readonly PrefixNode[];
  /** A node whose first `tokens` tokens match; its pages must be copied, or adopted (see `detach`). */
  readonly tail?: { readonly node: PrefixNode; readonly tokens: number };
  /** Tokens matched. */
  readonly length: number;
}

export class PrefixIndex {
  readonly root: PrefixNode;
  readonly #groups: readonly CacheGroup[];
  readonly #pools: readonly PagePool[];
  readonly #pageTokens: number;
  #clock = 0;

  constructor(groups: readonly CacheGroup[], pools: readonly PagePool[], pageTokens: number) {
    this.#groups = groups;
    this.#pools = pools;
    this.#pageTokens = pageTokens;
    this.root = this.#node(undefined, []);
  }

  /** The longest usable prefix of `tokens`, at most `limit` tokens long. Nothing is held yet. */
  match(tokens: readonly number[], limit: number): PrefixMatch {
    const nodes: PrefixNode[] = [];
    let node = this.root;
    let tail: { node: PrefixNode; tokens: number } | undefined;
    for (;;) {
      const at = nodes.length * this.#pageTokens;
      const best = longestChild(node, tokens, at, limit);
      if (!best) break;
      if (best.tokens < this.#pageTokens) {
        tail = best;
        break;
      }
      nodes.push(best.node);
      node = best.node;
    }
    return this.#usable(nodes, tail);
  }

  /**
   * Adds the page that follows `parent`, or returns the node that is there. Holds the pages it keeps.
   * @param tokens `pageTokens` tokens, or fewer for an end inside the page.
   */
  insert(parent: PrefixNode, tokens: readonly number[], pages: readonly number[]): PrefixNode {
    for (const child of parent.children) {
      const common = commonLength(child.tokens, tokens, 0, tokens.length);
      const same = child.tokens.length === tokens.length;
      if (common === tokens.length && (same || !hasGaps(child, pages))) {
        if (same) this.#fillGaps(child, pages);
        return this.touch(child);
      }
      // An end inside the page that is now known further on says nothing of its own any more.
      if (!same && common === child.tokens.length) {
        this.detach(child);
        break;
      }
    }
    const node = this.#node(parent, tokens);
    parent.children.push(node);
    this.#fillGaps(node, pages);
    return this.touch(node);
  }

  /** Marks a node and its ancestors as just used. */
  touch(node: PrefixNode): PrefixNode {
    this.#clock += 1;
    for (let at: PrefixNode | undefined = node; at; at = at.parent) at.lastUsed = this.#clock;
    return node;
  }

  /** Takes a childless node out and releases its pages. */
  detach(node: PrefixNode): void {
    node.alive = false;
    node.parent?.children.splice(node.parent.children.indexOf(node), 1);
    node.pages.forEach((page, group) => {
      if (page !== NO_PAGE) this.#pools[group]?.release(page);
    });
    node.pages.fill(NO_PAGE);
  }

  /** Pages of a group that eviction could free now. */
  evictable(group: number): number {
    if (this.#groups[group]?.window !== undefined) return this.#candidates(group).length;
    const held = new Set<PrefixNode | undefined>();
    let pages = 0;
    for (const node of this.#nodes().reverse()) {
      if (!held.has(node) && this.#only(node, group)) pages += 1;
      else held.add(node.parent);
    }
    return pages;
  }

  /** Frees the least recently used page of a group that only the index holds. False when there is none. */
  evict(group: number): boolean {
    let oldest: PrefixNode | undefined;
    for (const node of this.#candidates(group)) {
      if (!oldest || node.lastUsed < oldest.lastUsed) oldest = node;
    }
    if (!oldest) return false;
    if (this.#groups[group]?.window === undefined) {
      this.detach(oldest);
    } else {
      this.#pools[group]?.release(oldest.pages[group]!);
      oldest.pages[group] = NO_PAGE;
    }
    this.#prune(oldest);
    return true;
  }

  clear(): void {
    for (const node of this.#nodes().reverse()) if (node.parent) this.detach(node);
  }

  #node(parent: PrefixNode | undefined, tokens: readonly number[]): PrefixNode {
    const index = parent ? parent.index + 1 : -1;
    const pages = this.#groups.map(() => NO_PAGE);
    return { parent, index, tokens, pages, children: [], lastUsed: this.#clock, alive: true };
  }

  #fillGaps(node: PrefixNode, pages: readonly number[]): void {
    pages.forEach((page, group) => {
      if (page === NO_PAGE || node.pages[group] !== NO_PAGE) return;
      this.#pools[group]?.hold(page);
      node.pages[group] = page;
    });
  }

  /** Shortens a match until every window group still has the pages that its next row sees. */
  #usable(nodes: readonly PrefixNode[], tail: PrefixMatch["tail"]): PrefixMatch {
    if (tail) {
      const length = nodes.length * this.#pageTokens + tail.tokens;
      if (this.#hasWindows([...nodes, tail.node], length)) return { nodes, tail, length };
    }
    for (let count = nodes.length; count > 0; count--) {
      const length = count * this.#pageTokens;
      const kept = nodes.slice(0, count);
      if (this.#hasWindows(kept, length)) return { nodes: kept, length };
    }
    return { nodes: [], length: 0 };
  }

  #hasWindows(path: readonly PrefixNode[], length: number): boolean {
    return this.#groups.every(({ window }, group) => {
      if (window === undefined) return true;
      const first = firstVisiblePage(length, window, this.#pageTokens);
      return path.slice(first).every((node) => node.pages[group] !== NO_PAGE);
    });
  }

  #candidates(group: number): PrefixNode[] {
    const windowed = this.#groups[group]?.window !== undefined;
    return this.#nodes().filter((node) => this.#only(node, group) && (windowed || node.children.length === 0));
  }

  /** The node has a page of the group and nobody else holds it. */
  #only(node: PrefixNode, group: number): boolean {
    const page = node.pages[group] ?? NO_PAGE;
    return page !== NO_PAGE && this.#pools[group]?.holders(page) === 1;
  }

  /** Removes childless nodes without any page, upwards (models whose layers all have windows). */
  #prune(from: PrefixNode): void {
    for (let node: PrefixNode | undefined = from; node?.parent; node = node.parent) {
      if (node.children.length > 0 || node.pages.some((page) => page !== NO_PAGE)) return;
      if (node.alive) this.detach(node);
    }
  }

  /** All nodes, parents before children. */
  #nodes(): PrefixNode[] {
    const nodes = [this.root];
    for (let i = 0; i < nodes.length; i++) nodes.push(...nodes[i]!.children);
    return nodes;
  }
}

/** Index of the first page that a row at `position` can see in a group with this window. */
export function firstVisiblePage(position: number, window: number | undefined, pageTokens: number): number {
  return window === undefined ? 0 : Math.floor(Math.max(0, position - window + 1) / pageTokens);
}

function hasGaps(node: PrefixNode, pages: readonly number[]): boolean {
  return pages.some((page, group) => page !== NO_PAGE && node.pages[group] === NO_PAGE);
}

/** The child that shares most tokens with `tokens` from `at` on; full pages first among equals. */
function longestChild(
  node: PrefixNode,
  tokens: readonly number[],
  at: number,
  limit: number,
): { node: PrefixNode; tokens: number } | undefined {
  let best: { node: PrefixNode; tokens: number } | undefined;
  for (const child of node.children) {
    const common = commonLength(child.tokens, tokens, at, limit - at);
    if (common === 0) continue;
    const better = !best || common > best.tokens;
    // An end that stops exactly here can be adopted; a longer page would have to be copied.
    const tighter = best && common === best.tokens && child.tokens.length < best.node.tokens.length;
    if (better || tighter) best = { node: child, tokens: common };
  }
  return best;
}

/** Tokens that `page` and `tokens[at ...]` have in common, at most `limit`. */
function commonLength(page: readonly number[], tokens: readonly number[], at: number, limit: number): number {
  const end = Math.min(page.length, tokens.length - at, limit);
  let i = 0;
  while (i < end && page[i] === tokens[at + i]) i++;
  return Math.max(0, i);
}
