// One sequence: its tokens, its page tables, and how far the backend has been asked to compute it. Page tables change
// here; the scheduler carries the changes to the backend with the next step. Sequences share pages through the prefix
// index and in no other way: rewinding or forking one is publishing what it has and starting again from the index.

import type { CacheGroup } from "../backends/backend";
import { NO_PAGE, PagePool } from "./pages";
import { firstVisiblePage, PrefixIndex, type PrefixNode } from "./prefix_index";

/** The pools of all groups and the index over them: what the sequences of one engine share. */
export class KvCache {
  readonly groups: readonly CacheGroup[];
  readonly pageTokens: number;
  readonly pools: readonly PagePool[];
  readonly index: PrefixIndex;

  constructor(layout: { readonly groups: readonly CacheGroup[]; readonly pageTokens: number }) {
    this.groups = layout.groups;
    this.pageTokens = layout.pageTokens;
    this.pools = layout.groups.map((group) => new PagePool(group.pages));
    this.index = new PrefixIndex(this.groups, this.pools, this.pageTokens);
  }

  /** Pages of a group that are free or could be at once. */
  available(group: number): number {
    return this.pools[group]!.free + this.index.evictable(group);
  }

  /**
   * Whether a new sequence of `tokens` and one more would find its pages now. Window groups need those of one chunk
   * and the window before it, the others all of them.
   */
  fits(tokens: readonly number[], chunkRows: number): boolean {
    const { nodes } = this.index.match(tokens, tokens.length - 1);
    const needed = Math.floor(tokens.length / this.pageTokens) + 1;
    return this.groups.every(({ window }, group) => {
      const most = window === undefined ? needed : Math.ceil((window + chunkRows) / this.pageTokens) + 1;
      const shared = nodes.map((node) => node.pages[group]!).filter((page) => page !== NO_PAGE);
      const idle = shared.filter((page) => this.pools[group]!.holders(page) === 1).length;
      const fresh = window === undefined ? needed - shared.length : Math.min(needed, most);
      return fresh <= this.available(group) - idle;
    });
  }

  /** Evicts until `count` pages of a group are free. False when that cannot be. */
  makeRoom(group: number, count: number): boolean {
    const pool = this.pools[group]!;
    while (pool.free < count) if (!this.index.evict(group)) return false;
    return true;
  }
}

/** A change of a page table: `index` of the sequence is now `page` of the group's pool. */
export interface TableChange {
  readonly group: number;
  readonly index: number;
  readonly page: number;
}

export interface PageCopy {
  readonly group: number;
  readonly from: number;
  readonly to: number;
}

export class Sequence {
  /** Prompt and accepted tokens. */
  readonly tokens: number[];
  /** Positions whose rows were submitted; those before `tokens.length` hold accepted tokens. */
  submitted: number;
  /** Tokens that the index had. */
  readonly cached: number;
  readonly #cache: KvCache;
  /** `[groups][index]` → page. */
  readonly #tables: number[][];
  #changes: TableChange[] = [];
  #copies: PageCopy[] = [];
  /** Index node of the last page published, and how many were. */
  #node: PrefixNode;
  #published: number;

  /**
   * Starts a sequence with the longest prefix of `tokens` that the index has, but never all of them: the last token's
   * row has to run for there to be an output.
   * @param reuse false starts from nothing.
   */
  constructor(cache: KvCache, tokens: readonly number[], reuse = true) {
    this.#cache = cache;
    this.tokens = [...tokens];
    this.#tables = cache.groups.map(() => []);
    this.#node = cache.index.root;
    this.#published = 0;
    this.submitted = 0;
    if (reuse) this.#start(tokens.length - 1);
    this.cached = this.submitted;
  }

  /** Pages of each group, for accounting in tests: `[groups][index]`. */
  get tables(): readonly (readonly number[])[] {
    return this.#tables;
  }

  /**
   * Makes sure that the next `rows` positions have pages, giving back those of window groups that no row will see
   * again. False, with nothing taken, when a pool cannot serve it.
   */
  reserve(rows: number): boolean {
    this.#giveBack();
    const { groups, pools, pageTokens } = this.#cache;
    const last = Math.floor((this.submitted + rows - 1) / pageTokens);
    const first = groups.map((_, group) => this.#tables[group]!.length);
    if (!groups.every((_, group) => this.#cache.makeRoom(group, last + 1 - first[group]!))) return false;
    groups.forEach((_, group) => {
      for (let index = first[group]!; index <= last; index++) this.#map(group, index, pools[group]!.take());
    });
    return true;
  }

  /** The most rows, at most `rows`, for which {@link reserve} would succeed. */
  room(rows: number): number {
    this.#giveBack();
    const { pools, pageTokens } = this.#cache;
    const pages = Math.ceil((this.submitted + rows) / pageTokens);
    const limits = this.#tables.map((table, group) => {
      // Looking through the index for what could be evicted takes long; most steps need no page at all.
      if (pages - table.length <= pools[group]!.free) return rows;
      return (table.length + this.#cache.available(group)) * pageTokens - this.submitted;
    });
    return Math.max(0, Math.min(rows, ...limits));
  }

  /** Table changes and copies that the next step has to carry. Forgets them. */
  takeChanges(): { readonly changes: readonly TableChange[]; readonly copies: readonly PageCopy[] } {
    const [changes, copies] = [this.#changes, this.#copies];
    this.#changes = [];
    this.#copies = [];
    copies.forEach(({ group, from }) => {
      this.#cache.pools[group]!.release(from);
    });
    return { changes, copies };
  }

  /**
   * Enters pages whose tokens the host knows into the index. A copy that has not run yet adds nothing: its original is
   * held until it runs, and stands in the index for the same tokens.
   * @param tail Also the end inside the last page, so that others can start from exactly here.
   */
  publish(tail: boolean): void {
    const { index, pageTokens } = this.#cache;
    if (!this.#node.alive) {
      this.#node = index.root;
      this.#published = 0;
    }
    const valid = Math.min(this.submitted, this.tokens.length);
    const full = Math.floor(valid / pageTokens);
    while (this.#published < full) this.#node = this.#insert(this.#published++, pageTokens);
    if (tail && valid > full * pageTokens) this.#insert(full, valid - full * pageTokens);
  }

  /** Publishes what it has and lets go of every page. The sequence must not be used afterwards. */
  release(): void {
    this.publish(true);
    this.drop();
  }

  /** Lets go of every page without publishing anything. */
  drop(): void {
    this.takeChanges();
    this.#tables.forEach((table, group) => {
      for (const page of table.splice(0)) if (page !== NO_PAGE) this.#cache.pools[group]!.release(page);
    });
  }

  /** Takes over the longest prefix in the index of at most `limit` tokens. */
  #start(limit: number): void {
    const { index, pageTokens } = this.#cache;
    const { nodes, tail, length } = index.match(this.tokens, limit);
    for (const node of nodes) this.#share(node, length);
    if (tail && !this.#adopt(tail.node, tail.tokens) && !this.#copy(tail.node)) {
      // No page to copy to. Whole pages only, matched again: an earlier position sees more of a window.
      this.drop();
      this.#start(nodes.length * pageTokens);
      return;
    }
    this.#node = index.touch(nodes.at(-1) ?? index.root);
    this.#published = nodes.length;
    this.submitted = length;
  }

  #insert(index: number, count: number): PrefixNode {
    const start = index * this.#cache.pageTokens;
    const pages = this.#tables.map((table) => table[index] ?? NO_PAGE);
    return this.#cache.index.insert(this.#node, this.tokens.slice(start, start + count), pages);
  }

  #map(group: number, index: number, page: number): void {
    this.#tables[group]![index] = page;
    this.#changes.push({ group, index, page });
  }

  /** Takes part in a whole page, in the groups where a row at `position` still sees it. */
  #share(node: PrefixNode, position: number): void {
    this.#cache.groups.forEach(({ window }, group) => {
      const visible = node.index >= firstVisiblePage(position, window, this.#cache.pageTokens);
      const page = visible ? node.pages[group]! : NO_PAGE;
      if (page === NO_PAGE) {
        this.#tables[group]![node.index] = NO_PAGE;
        return;
      }
      this.#cache.pools[group]!.hold(page);
      this.#map(group, node.index, page);
    });
  }

  /** Continues a page that ends exactly here and that nobody else holds: no copy, no second page. */
  #adopt(node: PrefixNode, tokens: number): boolean {
    const { pools, index } = this.#cache;
    const free = node.pages.every((page, group) => page !== NO_PAGE && pools[group]!.holders(page) === 1);
    if (!free || tokens !== node.tokens.length || tokens === this.#cache.pageTokens) return false;
    node.pages.forEach((page, group) => {
      pools[group]!.hold(page);
      this.#map(group, node.index, page);
    });
    index.detach(node);
    return true;
  }

  /** Copies a page whose beginning is shared. The original is held until the step with the copy is submitted. */
  #copy(node: PrefixNode): boolean {
    const { groups, pools } = this.#cache;
    const source = [...node.pages];
    if (source.includes(NO_PAGE)) return false;
    source.forEach((page, group) => {
      pools[group]!.hold(page);
    });
    if (!groups.every((_, group) => this.#cache.makeRoom(group, 1))) {
      source.forEach((page, group) => {
        pools[group]!.release(page);
      });
      return false;
    }
    source.forEach((from, group) => {
      const to = pools[group]!.take();
      this.#map(group, node.index, to);
      this.#copies.push({ group, from, to });
    });
    return true;
  }

  #giveBack(): void {
    this.#cache.groups.forEach(({ window }, group) => {
      if (window === undefined) return;
      const table = this.#tables[group]!;
      const end = Math.min(table.length, firstVisiblePage(this.submitted, window, this.#cache.pageTokens));
      for (let index = end - 1; index >= 0 && table[index] !== NO_PAGE; index--) {
        this.#cache.pools[group]!.release(table[index]!);
        table[index] = NO_PAGE;
      }
    });
  }
}
