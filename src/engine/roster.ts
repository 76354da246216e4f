// Who runs and who waits: sequences in slots with generation numbers. What they compute next is the scheduler's.

import type { Backend } from "../backends/backend";
import type { Run, Seat } from "./job";
import { type KvCache, Sequence } from "./sequence";

export class Roster {
  readonly #backend: Backend;
  readonly #cache: KvCache;
  readonly #now: () => number;
  readonly #generations: number[];
  /** A borrowed slot has neither run nor a place in the batches. */
  readonly #slots: (Run | "borrowed" | undefined)[];
  /** Each gets a slot that is already marked as its own. */
  readonly #borrowers: ((slot: number) => void)[] = [];
  #waiting: Run[] = [];
  #running: Run[] = [];

  constructor(backend: Backend, cache: KvCache, now: () => number) {
    this.#backend = backend;
    this.#cache = cache;
    this.#now = now;
    this.#generations = Array.from({ length: backend.limits.slots }, () => 0);
    this.#slots = Array.from({ length: backend.limits.slots }, () => undefined);
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
      const slot = this.#slots.indexOf(undefined);
      if (slot < 0 || !this.#fits(run)) return;
      this.#waiting.shift();
      this.#seat(run, slot);
    }
  }

  /** Whose result this is; undefined when that run has left the slot. */
  seated(slot: number, generation: number): { readonly run: Run; readonly seat: Seat } | undefined {
    const run = this.#slots[slot];
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
  async borrow<T>(use: (slot: number, generation: number) => Promise<T>, check: () => void): Promise<T> {
    let slot = this.#slots.indexOf(undefined);
    if (slot < 0) slot = await new Promise<number>((resolve) => this.#borrowers.push(resolve));
    else this.#slots[slot] = "borrowed";
    try {
      check();
      return await use(slot, this.#nextGeneration(slot));
    } finally {
      this.#free(slot);
    }
  }

  /** Whether the whole prompt and one more token have room beside those that run; the only one always has. */
  #fits(run: Run): boolean {
    if (this.#running.length === 0) return true;
    return this.#cache.fits([...run.job.prompt, ...run.reply], this.#backend.limits.rows);
  }

  #seat(run: Run, slot: number): void {
    const { prompt, sampler } = run.job;
    const sequence = new Sequence(this.#cache, [...prompt, ...run.reply]);
    const generation = this.#nextGeneration(slot);
    this.#backend.openSlot(slot, { generation, sampler, history: prompt, reply: [...run.reply] });
    run.seat = { slot, generation, sequence, promptTokens: sequence.tokens.length };
    run.state = "running";
    run.requested = run.reply.length;
    if (run.stats.startedAt === undefined) {
      run.stats.startedAt = this.#now();
      run.stats.cachedTokens = sequence.cached;
    }
    this.#slots[slot] = run;
    this.#running.push(run);
  }

  /** Leaves the slot. Its pages stay in the prefix index until somebody needs them. */
  #unseat(run: Run): void {
    if (!run.seat) return;
    const { sequence, slot } = run.seat;
    sequence.release();
    this.#running.splice(this.#running.indexOf(run), 1);
    delete run.seat;
    this.#free(slot);
  }

  #free(slot: number): void {
    const borrower = this.#borrowers.shift();
    this.#slots[slot] = borrower && "borrowed";
    borrower?.(slot);
  }

  #nextGeneration(slot: number): number {
    this.#generations[slot]! += 1;
    return this.#generations[slot]!;
  }
}

function byArrival(a: Run, b: Run): number {
  return a.order - b.order;
}
