// Continuous batching: decides which rows run next, submits steps ahead of their results, and hands each result to the
// request it belongs to. Requests join and leave between two submits; nothing ever waits for the queue to run empty.
//
// In steady state the same sequences decode in the same order, so the backend sees the same rows again and again.

import type { Backend, StepOutput } from "../backends/backend";
import { type ErrorCode, FennecError, isFennecError } from "../errors";
import { BatchPlan } from "./batch_plan";
import { Breather } from "./breather";
import { type Job, pendingRows, type Run, type Seat } from "./job";
import { PrefillPace } from "./pace";
import { Roster } from "./roster";
import { KvCache } from "./sequence";

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

/** Errors of a step after which no other step can succeed. */
const LASTING: ReadonlySet<ErrorCode> = new Set(["device-lost", "disposed"]);

export class Scheduler {
  readonly cache: KvCache;
  /** Longest sequence, tokens. */
  readonly context: number;
  readonly now: () => number;
  readonly #backend: Backend;
  readonly #maxDepth: number;
  readonly #pace: PrefillPace;
  readonly #breather: Breather;
  readonly #roster: Roster;
  readonly #flights: Flight[] = [];
  #order = 0;
  #steps = 0;
  #lastDone = 0;
  #prefilledLast = false;
  #looping = false;
  #failure: Error | undefined;

  constructor(backend: Backend, options: SchedulerOptions = {}) {
    this.#backend = backend;
    this.cache = new KvCache(backend);
    this.context = longestSequence(backend);
    this.now = options.now ?? (() => performance.now());
    this.#maxDepth = options.depth ?? 6;
    this.#pace = new PrefillPace(backend.limits.rows, options.prefillBudgetMs ?? 40);
    this.#breather = new Breather(this.now);
    this.#roster = new Roster(backend, this.cache, this.now);
    void backend.lost.then(({ reason }) => this.#fail(new FennecError("device-lost", reason), true));
  }

  /** Requests that wait or run. */
  get load(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#roster.waiting.length, running: this.#roster.running.length };
  }

  /** Queues a job. Its callbacks are never called before this returns. */
  start(job: Job): Run {
    const stats = { queuedAt: this.now(), cachedTokens: 0, prefilledRows: 0 };
    const order = this.#order++;
    const run: Run = { job, order, reply: [], requested: 0, state: "waiting", prefilled: false, lastStep: 0, stats };
    if (this.#failure) {
      const failure = this.#failure;
      queueMicrotask(() => this.#roster.end(run, failure));
      return run;
    }
    this.#roster.add(run);
    this.#wake();
    return run;
  }

  /** Ends a run at once; what is in flight for it is dropped when it arrives. */
  cancel(run: Run, error: FennecError): void {
    this.#roster.end(run, error);
    this.#wake();
  }

  /** Waits for a slot, lends it to `use`, which submits steps of its own, and takes it back. */
  borrow<T>(use: (slot: number, generation: number) => Promise<T>): Promise<T> {
    const check = () => {
      if (this.#failure) throw this.#failure;
    };
    return this.#roster.borrow(use, check).finally(() => this.#wake());
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
        this.#roster.admit();
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
      this.#fail(asError(error), false);
    } finally {
      this.#looping = false;
    }
  }

  #fail(error: Error, forGood: boolean): void {
    if (this.#failure) return;
    if (forGood || (isFennecError(error) && LASTING.has(error.code))) this.#failure = error;
    this.#roster.endAll(error);
    // Steps that failed may not have written what they should have.
    this.cache.index.clear();
    this.#flights.length = 0;
  }

  /** Few steps ahead at the start, so that the first tokens show at once and a short reply wastes little. */
  #depth(): number {
    if (this.#roster.running.some(({ seat }) => seat && pendingRows(seat) > 0)) return PREFILL_DEPTH;
    const youngest = Math.min(...this.#roster.running.map(({ reply }) => reply.length));
    return Math.min(this.#maxDepth, 2 + Math.floor(youngest / 4));
  }

  #plan(): BatchPlan | undefined {
    const prefilling = this.#roster.running.filter(({ seat }) => seat && pendingRows(seat) > 0);
    const decoding = this.#roster.running.filter(
      (run) => !prefilling.includes(run) && run.requested < run.job.maxTokens,
    );
    const plan = new BatchPlan();
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
      if (this.#roster.preempt(run)) continue;
      if (this.#roster.running.length > 1) this.#roster.stepBack(run);
      else this.#roster.end(run, outOfPages(run, this.cache));
      return 0;
    }
  }

  #submit(plan: BatchPlan): void {
    this.#steps += 1;
    const outputs = this.#backend.step(plan.batch());
    outputs.catch(() => undefined); // received in order; an earlier failure may end the loop first
    this.#flights.push({ outputs, prefillRows: plan.prefillRows, submittedAt: this.now() });
  }

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
      const owner = this.#roster.seated(output.slot, output.generation);
      if (owner) this.#accept(owner.run, owner.seat, output.token, now);
    }
  }

  #accept(run: Run, seat: Seat, token: number, now: number): void {
    run.stats.firstTokenAt ??= now;
    run.stats.lastTokenAt = now;
    run.reply.push(token);
    seat.sequence.tokens.push(token);
    seat.sequence.publish(false);
    const last = run.reply.length >= run.job.maxTokens;
    let error: Error | undefined;
    let stop = true;
    try {
      stop = run.job.onToken(token, last);
    } catch (thrown) {
      error = asError(thrown);
    }
    if (stop || last) this.#roster.end(run, error);
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
