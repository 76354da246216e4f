// Continuous batching: decides which rows run next, submits steps ahead of their results, and hands each result to the
// request it belongs to. Requests join and leave between two submits; nothing ever waits for the queue to run empty.
//
// In steady state the same sequences decode in the same order, so the backend sees the same rows again and again.

import {
  type Backend,
  LAST_TOKEN,
  type PageWrite,
  type Row,
  type StepBatch,
  type StepOutput,
} from "../backends/backend";
import { FennecError, isFennecError } from "../errors";
import { Breather } from "./breather";
import { type Job, pendingRows, type Run, type Seat } from "./job";
import { PrefillPace } from "./pace";
import { KvCache, type PageCopy, Sequence } from "./sequence";

export interface SchedulerOptions {
  /** Decode steps in flight at most; 6 when absent. Also the most steps that a stop can waste. */
  readonly depth?: number;
  /** Milliseconds of prompt between two decode steps; 40 when absent. */
  readonly prefillBudgetMs?: number;
  readonly now?: () => number;
}

interface Flight {
  readonly outputs: Promise<readonly StepOutput[]>;
  readonly prefillRows: number;
  readonly submittedAt: number;
}

/** Steps in flight while a prompt is being computed: these steps are long, and a stop waits for them. */
const PREFILL_DEPTH = 2;

export class Scheduler {
  readonly cache: KvCache;
  /** Longest sequence, tokens. */
  readonly context: number;
  readonly now: () => number;
  readonly #backend: Backend;
  readonly #maxDepth: number;
  readonly #pace: PrefillPace;
  readonly #breather: Breather;
  readonly #generations: number[];
  /** Who sits in each slot; a borrowed slot has neither run nor a place in the batches. */
  readonly #slots: (Run | "borrowed" | undefined)[];
  readonly #borrowers: (() => void)[] = [];
  #waiting: Run[] = [];
  #running: Run[] = [];
  readonly #flights: Flight[] = [];
  #order = 0;
  #steps = 0;
  #lastDone = 0;
  #prefilledLast = false;
  #looping = false;
  #failure: FennecError | undefined;

  constructor(backend: Backend, options: SchedulerOptions = {}) {
    this.#backend = backend;
    this.cache = new KvCache(backend);
    this.context = longestSequence(backend);
    this.now = options.now ?? (() => performance.now());
    this.#maxDepth = options.depth ?? 6;
    this.#pace = new PrefillPace(backend.limits.rows, options.prefillBudgetMs ?? 40);
    this.#breather = new Breather(this.now);
    this.#generations = Array.from({ length: backend.limits.slots }, () => 0);
    this.#slots = Array.from({ length: backend.limits.slots }, () => undefined);
    void backend.lost.then(({ reason }) => this.#fail(new FennecError("device-lost", reason), true));
  }

  /** Requests that wait or run. */
  get load(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#waiting.length, running: this.#running.length };
  }

  /** Queues a job. Its callbacks are never called before this returns. */
  start(job: Job): Run {
    const stats = { queuedAt: this.now(), cachedTokens: 0, prefilledRows: 0 };
    const order = this.#order++;
    const run: Run = { job, order, reply: [], requested: 0, state: "waiting", prefilled: false, lastStep: 0, stats };
    if (this.#failure) {
      const failure = this.#failure;
      queueMicrotask(() => this.#end(run, failure));
      return run;
    }
    this.#waiting.push(run);
    this.#wake();
    return run;
  }

  /** Ends a run at once; what is in flight for it is dropped when it arrives. */
  cancel(run: Run, error: FennecError): void {
    if (run.state !== "ended") this.#end(run, error);
    this.#wake();
  }

  /** Waits for a slot, lends it to `use`, which submits steps of its own, and takes it back. */
  async borrow<T>(use: (slot: number, generation: number) => Promise<T>): Promise<T> {
    let slot = this.#freeSlot();
    while (slot < 0) {
      await new Promise<void>((resolve) => this.#borrowers.push(resolve));
      slot = this.#freeSlot();
    }
    if (this.#failure) throw this.#failure;
    this.#slots[slot] = "borrowed";
    try {
      return await use(slot, this.#nextGeneration(slot));
    } finally {
      this.#slots[slot] = undefined;
      this.#borrowers.shift()?.();
      this.#wake();
    }
  }

  /** Ends every run with code `disposed`. The backend is the caller's to dispose. */
  dispose(): void {
    this.#fail(new FennecError("disposed", "the engine was disposed; load the model again to go on"), true);
  }

  #wake(): void {
    if (this.#looping) return;
    this.#looping = true;
    queueMicrotask(() => void this.#loop());
  }

  async #loop(): Promise<void> {
    try {
      for (;;) {
        this.#admit();
        while (this.#flights.length < this.#depth()) {
          const batch = this.#plan();
          if (!batch) break;
          this.#submit(batch);
        }
        if (this.#flights.length === 0) break;
        await this.#receive();
        await this.#breather.breathe();
      }
    } catch (error) {
      this.#fail(toFennecError(error), false);
    } finally {
      this.#looping = false;
    }
  }

  // ---- Who runs ----

  #admit(): void {
    for (let run = this.#waiting[0]; run; run = this.#waiting[0]) {
      const { after } = run.job;
      if (after && !after.prefilled && after.state !== "ended") return;
      const slot = this.#freeSlot();
      if (slot < 0 || !this.#fits(run)) return;
      this.#waiting.shift();
      this.#seat(run, slot);
    }
  }

  /** Whether the whole prompt and one more token have room beside those that run; the only one always has. */
  #fits(run: Run): boolean {
    if (this.#running.length === 0) return true;
    return this.cache.fits([...run.job.prompt, ...run.reply], this.#backend.limits.rows);
  }

  #seat(run: Run, slot: number): void {
    const { prompt, sampler } = run.job;
    const sequence = new Sequence(this.cache, [...prompt, ...run.reply]);
    const generation = this.#nextGeneration(slot);
    this.#backend.openSlot(slot, { generation, sampler, history: prompt, reply: run.reply });
    run.seat = { slot, generation, sequence, promptTokens: sequence.tokens.length };
    run.state = "running";
    run.requested = run.reply.length;
    if (run.stats.startedAt === undefined) {
      run.stats.startedAt = this.now();
      run.stats.cachedTokens = sequence.cached;
    }
    this.#slots[slot] = run;
    this.#running.push(run);
    this.#running.sort((a, b) => a.order - b.order);
  }

  /** Leaves the slot. Its pages stay in the prefix index until somebody needs them. */
  #unseat(run: Run): void {
    if (!run.seat) return;
    run.seat.sequence.release();
    this.#slots[run.seat.slot] = undefined;
    this.#running.splice(this.#running.indexOf(run), 1);
    delete run.seat;
    this.#borrowers.shift()?.();
  }

  /** Makes the latest other run wait, to get its pages. False when there is no later one. */
  #preempt(needy: Run): boolean {
    const victim = this.#running.at(-1);
    if (!victim || victim === needy) return false;
    this.#stepBack(victim);
    return true;
  }

  #stepBack(run: Run): void {
    this.#unseat(run);
    run.state = "waiting";
    this.#waiting.push(run);
    this.#waiting.sort((a, b) => a.order - b.order);
  }

  #end(run: Run, error?: FennecError): void {
    this.#unseat(run);
    this.#waiting = this.#waiting.filter((other) => other !== run);
    run.state = "ended";
    run.job.onEnd(error);
  }

  #fail(error: FennecError, forGood: boolean): void {
    if (this.#failure) return;
    if (forGood || error.code === "device-lost" || error.code === "disposed") this.#failure = error;
    for (const run of [...this.#running, ...this.#waiting]) this.#end(run, error);
    // Steps that failed may not have written what they should have.
    this.cache.index.clear();
    this.#flights.length = 0;
    for (const resume of this.#borrowers.splice(0)) resume();
  }

  #freeSlot(): number {
    return this.#slots.indexOf(undefined);
  }

  #nextGeneration(slot: number): number {
    this.#generations[slot]! += 1;
    return this.#generations[slot]!;
  }

  // ---- What runs ----

  /** Few steps ahead at the start, so that the first tokens show at once and a short reply wastes little. */
  #depth(): number {
    if (this.#running.some(({ seat }) => seat && pendingRows(seat) > 0)) return PREFILL_DEPTH;
    const youngest = Math.min(...this.#running.map(({ reply }) => reply.length));
    return Math.min(this.#maxDepth, 2 + Math.floor(youngest / 4));
  }

  #plan(): BatchPlan | undefined {
    const prefilling = this.#running.filter(({ seat }) => seat && pendingRows(seat) > 0);
    const decoding = this.#running.filter((run) => !prefilling.includes(run) && run.requested < run.job.maxTokens);
    const plan = new BatchPlan(this.#backend.limits);
    const takeTurns = decoding.length > 0 && this.#prefilledLast;
    if (prefilling.length > 0 && !takeTurns) this.#planPrefill(plan, prefilling, decoding.length > 0);
    if (plan.rows.length === 0) this.#planDecode(plan, decoding);
    this.#prefilledLast = plan.prefillRows > 0;
    return plan.rows.length > 0 ? plan : undefined;
  }

  #planPrefill(plan: BatchPlan, runs: readonly Run[], others: boolean): void {
    let budget = this.#pace.rows(others);
    for (const run of runs) {
      if (budget === 0 || plan.outputs === this.#backend.limits.outputs) return;
      if (!run.seat) continue;
      const wanted = Math.min(budget, pendingRows(run.seat));
      const rows = this.#makeRoom(run, wanted);
      if (rows === 0 || !run.seat) continue;
      plan.addPrompt(run.seat, rows);
      if (pendingRows(run.seat) === 0) {
        run.requested += 1;
        run.prefilled = true;
        run.seat.sequence.publish(true);
      }
      run.stats.prefilledRows += rows;
      run.lastStep = this.#steps;
      budget -= rows;
    }
  }

  #planDecode(plan: BatchPlan, runs: readonly Run[]): void {
    const most = Math.min(this.#backend.limits.rows, this.#backend.limits.outputs);
    const turn = runs.length > most ? [...runs].sort((a, b) => a.lastStep - b.lastStep).slice(0, most) : [...runs];
    // Oldest first again: whoever steps back for pages is younger, so not in the plan yet.
    for (const run of turn.sort((a, b) => a.order - b.order)) {
      if (!run.seat || this.#makeRoom(run, 1) === 0 || !run.seat) continue;
      plan.addDecode(run.seat);
      run.requested += 1;
      run.lastStep = this.#steps;
    }
  }

  /** Reserves up to `rows` rows for a run, at the cost of later ones. 0 when the run itself had to step back. */
  #makeRoom(run: Run, rows: number): number {
    for (;;) {
      if (!run.seat) return 0;
      const room = run.seat.sequence.room(rows);
      if (room > 0 && run.seat.sequence.reserve(room)) return room;
      if (this.#preempt(run)) continue;
      if (this.#running.length > 1) this.#stepBack(run);
      else this.#end(run, outOfPages(run, this.cache));
      return 0;
    }
  }

  #submit(plan: BatchPlan): void {
    this.#steps += 1;
    const outputs = this.#backend.step(plan.batch());
    outputs.catch(() => undefined); // received in order; an earlier failure may end the loop first
    this.#flights.push({ outputs, prefillRows: plan.prefillRows, submittedAt: this.now() });
  }

  // ---- What came back ----

  async #receive(): Promise<void> {
    const flight = this.#flights[0]!;
    const outputs = await flight.outputs;
    if (this.#flights[0] !== flight) return; // the engine failed meanwhile
    this.#flights.shift();
    const now = this.now();
    this.#pace.measured(flight.prefillRows, now - Math.max(flight.submittedAt, this.#lastDone));
    this.#lastDone = now;
    for (const output of outputs) {
      if (output.want !== "token") continue;
      const run = this.#slots[output.slot];
      if (!run || run === "borrowed" || run.seat?.generation !== output.generation) continue;
      this.#accept(run, run.seat, output.token, now);
    }
  }

  #accept(run: Run, seat: Seat, token: number, now: number): void {
    run.stats.firstTokenAt ??= now;
    run.stats.lastTokenAt = now;
    run.reply.push(token);
    seat.sequence.tokens.push(token);
    seat.sequence.publish(false);
    const last = run.reply.length >= run.job.maxTokens;
    let error: FennecError | undefined;
    let stop = true;
    try {
      stop = run.job.onToken(token, last);
    } catch (thrown) {
      error = toFennecError(thrown);
    }
    if (stop || last) this.#end(run, error);
  }
}

/** A step in the making. */
class BatchPlan {
  readonly rows: Row[] = [];
  outputs = 0;
  prefillRows = 0;
  readonly #pages: PageWrite[] = [];
  readonly #copies: PageCopy[] = [];
  readonly #outputLimit: number;

  constructor(limits: { readonly outputs: number }) {
    this.#outputLimit = limits.outputs;
  }

  addPrompt(seat: Seat, count: number): void {
    const { sequence, slot, promptTokens } = seat;
    this.#addChanges(seat);
    for (let i = 0; i < count; i++) {
      const position = sequence.submitted++;
      const want = sequence.submitted === promptTokens ? "token" : "nothing";
      if (want === "token") this.outputs += 1;
      this.rows.push({ slot, token: sequence.tokens[position]!, position, want });
    }
    this.prefillRows += count;
  }

  addDecode(seat: Seat): void {
    this.#addChanges(seat);
    this.outputs += 1;
    this.rows.push({ slot: seat.slot, token: LAST_TOKEN, position: seat.sequence.submitted++, want: "token" });
  }

  batch(): StepBatch {
    if (this.outputs > this.#outputLimit) throw new FennecError("invalid-argument", "a step wants too many outputs");
    return {
      rows: this.rows,
      ...(this.#pages.length > 0 && { pages: this.#pages }),
      ...(this.#copies.length > 0 && { pageCopies: this.#copies }),
    };
  }

  #addChanges({ sequence, slot }: Seat): void {
    const { changes, copies } = sequence.takeChanges();
    for (const change of changes) this.#pages.push({ ...change, slot });
    this.#copies.push(...copies);
  }
}

/** The longest sequence that the backend's tables and the pools allow. */
function longestSequence(backend: Backend): number {
  const pools = backend.groups.filter(({ window }) => window === undefined);
  return Math.min(backend.limits.context, ...pools.map(({ pages }) => pages * backend.pageTokens));
}

function outOfPages(run: Run, cache: KvCache): FennecError {
  const pages = cache.groups.map((group, i) => `${group.pages} (${cache.available(i)} available)`).join(", ");
  return new FennecError(
    "out-of-memory",
    `the KV cache cannot hold ${run.job.prompt.length + run.reply.length} tokens: pages per group ${pages}, ` +
      `${cache.pageTokens} tokens each. Load with a larger kvTokens.`,
  );
}

function toFennecError(error: unknown): FennecError {
  if (isFennecError(error)) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new FennecError("backend-unsupported", `a step failed: ${text}`, { cause: error });
}
