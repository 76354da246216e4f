// Who runs and who waits: sequences in slots with generation numbers. What they compute next is the scheduler's. All may
// move to another backend when theirs is lost: then everybody waits, and what was accepted is computed again.

import type { Backend } from "../backends/backend";
import type { Run, Seat } from "./job";
import { type KvCache, Sequence } from "./sequence";

/** A slot that is lent, with what goes with it. */
export interface Borrowed {
  readonly slot: number;
  readonly generation: number;
  readonly backend: Backend;
  readonly cache: KvCache;
}

/** The backend at work with its slots: replaced together. */
interface SlotTable {
  readonly backend: Backend;
  readonly cache: KvCache;
  readonly generations: number[];
  /** A borrowed slot has neither run nor a place in the batches. */
  readonly owners: (Run | "borrowed" | undefined)[];
  /** Each gets a slot that is already marked as its own. */
  readonly borrowers: ((slot: number) => void)[];
  /** Rejects when everybody has to leave. */
  readonly gone: Promise<never>;
  readonly close: (error: Error) => void;
}

export class Roster {
  readonly #now: () => number;
  #table: SlotTable;
  #waiting: Run[] = [];
  #running: Run[] = [];

  constructor(backend: Backend, cache: KvCache, now: () => number) {
    this.#now = now;
    this.#table = tableOf(backend, cache);
  }

  /** All who ran wait, in the order of arrival; borrowers get `error`. The backend is not used any more. */
  leave(error: Error): void {
    this.#table.close(error);
    for (const run of this.#running.splice(0)) {
      delete run.seat;
      run.state = "waiting";
      this.#waiting.push(run);
    }
    this.#waiting.sort(byArrival);
    for (const run of this.#waiting) run.prefilled = false;
  }

  /** Those who wait will run on another backend. Call {@link leave} first. */
  enter(backend: Backend, cache: KvCache): void {
    this.#table = tableOf(backend, cache);
  }

  /** In the order of arrival: whoever waits came later than all of them, or stepped back to the front of the queue. */
  get running(): readonly Run[] {
    return this.#running;
  }

  get waiting(): readonly Run[] {
    return this.#waiting;
  }

  add(run: Run): void {
    this.#waiting.push(run);
    this.#waiting.sort(byArrival);
  }

  /** Seats waiting runs, the first first, while there are slots and pages. */
  admit(): void {
    for (let run = this.#waiting[0]; run; run = this.#waiting[0]) {
      const { after } = run.job;
      if (after && !after.prefilled && after.state !== "ended") return;
      const slot = this.#table.owners.indexOf(undefined);
      if (slot < 0 || !this.#fits(run)) return;
      this.#seat(run, slot);
      this.#waiting.shift();
    }
  }

  /** Whose result this is; undefined when that run has left the slot. */
  seated(slot: number, generation: number): { readonly run: Run; readonly seat: Seat } | undefined {
    const run = this.#table.owners[slot];
    if (!run || run === "borrowed" || run.seat?.generation !== generation) return undefined;
    return { run, seat: run.seat };
  }

  /** Makes the latest run wait, to get its pages. False when `needy` is the latest. */
  preempt(needy: Run): boolean {
    const victim = this.#running.at(-1);
    if (!victim || victim === needy) return false;
    this.stepBack(victim);
    return true;
  }

  /** Back to the waiting, at the place of its arrival. What is in flight for it is computed again. */
  stepBack(run: Run): void {
    this.#unseat(run);
    run.state = "waiting";
    this.add(run);
  }

  end(run: Run, error?: Error): void {
    if (run.state === "ended") return;
    this.#unseat(run);
    this.#waiting = this.#waiting.filter((other) => other !== run);
    run.state = "ended";
    run.job.onEnd(error);
  }

  endAll(error: Error): void {
    for (const run of [...this.#running, ...this.#waiting]) this.end(run, error);
  }

  /**
   * Waits for a slot, lends it to `use`, which submits steps of its own, and takes it back. The next slot that becomes
   * free goes to whoever waits here, before {@link admit}: else a stream of requests could keep borrowers out for good.
   * @param check Called when there is a slot; may throw.
   */
  async borrow<T>(use: (borrowed: Borrowed) => Promise<T>, check: () => void): Promise<T> {
    const table = this.#table;
    const { owners, borrowers, gone, backend, cache } = table;
    let slot = owners.indexOf(undefined);
    if (slot < 0) slot = await Promise.race([new Promise<number>((resolve) => borrowers.push(resolve)), gone]);
    else owners[slot] = "borrowed";
    try {
      check();
      const generation = nextGeneration(table, slot);
      return await Promise.race([use({ slot, generation, backend, cache }), gone]);
    } finally {
      release(table, slot);
    }
  }

  /** Whether the whole prompt and one more token have room beside those that run; the only one always has. */
  #fits(run: Run): boolean {
    if (this.#running.length === 0) return true;
    const { cache, backend } = this.#table;
    return cache.fits([...run.job.prompt, ...run.reply], backend.limits.rows);
  }

  #seat(run: Run, slot: number): void {
    const { backend, cache, owners } = this.#table;
    const { prompt, sampler } = run.job;
    const sequence = new Sequence(cache, [...prompt, ...run.reply]);
    const generation = nextGeneration(this.#table, slot);
    try {
      backend.openSlot(slot, { generation, sampler, history: prompt, reply: [...run.reply] });
    } catch (error) {
      sequence.drop();
      throw error;
    }
    run.seat = { slot, generation, sequence, promptTokens: sequence.tokens.length };
    run.state = "running";
    run.requested = run.reply.length;
    if (run.stats.startedAt === undefined) {
      run.stats.startedAt = this.#now();
      run.stats.cachedTokens = sequence.cached;
    }
    owners[slot] = run;
    this.#running.push(run);
  }

  /** Leaves the slot. Its pages stay in the prefix index until somebody needs them. */
  #unseat(run: Run): void {
    if (!run.seat) return;
    const { sequence, slot } = run.seat;
    sequence.release();
    this.#running.splice(this.#running.indexOf(run), 1);
    delete run.seat;
    release(this.#table, slot);
  }
}

function tableOf(backend: Backend, cache: KvCache): SlotTable {
  let close: (error: Error) => void = () => undefined;
  const gone = new Promise<never>((_, reject) => (close = reject));
  gone.catch(() => undefined); // nobody may be borrowing
  const { slots } = backend.limits;
  return {
    backend,
    cache,
    generations: Array.from({ length: slots }, () => 0),
    owners: Array.from({ length: slots }, () => undefined),
    borrowers: [],
    gone,
    close,
  };
}

function release({ owners, borrowers }: SlotTable, slot: number): void {
  const borrower = borrowers.shift();
  owners[slot] = borrower && "borrowed";
  borrower?.(slot);
}

function nextGeneration({ generations }: SlotTable, slot: number): number {
  generations[slot]! += 1;
  return generations[slot]!;
}

function byArrival(a: Run, b: Run): number {
  return a.order - b.order;
}
