// Continuous batching: decides which rows run next, submits steps ahead of their results, and hands each result to the
// request it belongs to. Requests join and leave between two submits; nothing ever waits for the queue to run empty.
// When the backend is lost another takes its place, the sequences are computed again as far as their tokens were
// accepted, and their replies go on.
//
// In steady state the same sequences decode in the same order, so the backend sees the same rows again and again.

import type { Backend, StepOutput } from "../backends/backend";
import { FennecError, isFennecError } from "../errors";
import type { BatchPlan } from "./batch_plan";
import { Breather } from "./breather";
import { DepthControl } from "./depth";
import type { Job, Run, Seat } from "./job";
import { isLoss, makeReplacement, type ReplaceBackend } from "./replacement";
import { type Borrowed, Roster } from "./roster";
import { KvCache } from "./sequence";
import { StepPlanner } from "./step_planner";

export interface SchedulerOptions {
  /** Decode steps in flight at most; 12 when absent. Also the most steps that a stop can waste. */
  readonly depth?: number;
  /** Milliseconds of prompt between two decode steps; 40 when absent. */
  readonly prefillBudgetMs?: number;
  readonly now?: () => number;
  /** Makes a backend in the place of a lost one; absent: a loss ends everything. */
  readonly replace?: ReplaceBackend;
  readonly onChange?: (state: BackendState, reason: string) => void;
}

/**
 * `lost`: requests wait while another backend is made. `replaced`: they go on there. `failed`: there is none, and they
 * ended with code `device-lost`.
 */
export type BackendState = "lost" | "replaced" | "failed";

interface Flight {
  readonly outputs: Promise<readonly StepOutput[]>;
  readonly rows: number;
  readonly prefillRows: number;
  readonly submittedAt: number;
}

/** Steps in flight while a prompt is being computed: these steps are long, and a stop waits for them. */
const PREFILL_DEPTH = 2;

export class Scheduler {
  readonly now: () => number;
  /** Resolves when the last backend is lost. Never rejects. */
  readonly lost: Promise<FennecError>;
  readonly #options: SchedulerOptions;
  readonly #breather: Breather;
  readonly #roster: Roster;
  readonly #disposal = new AbortController();
  readonly #flights: Flight[] = [];
  #backend: Backend;
  #cache: KvCache;
  #planner: StepPlanner;
  #depths: DepthControl;
  #hidden = false;
  #order = 0;
  #lastDone = 0;
  /** The loop that runs; undefined when none does. What another one awaited is stale. */
  #loop: object | undefined;
  /** Settles when another backend is at work, or none will be. */
  #recovery: Promise<void> | undefined;
  #failure: Error | undefined;
  #onLost: (error: FennecError) => void = () => undefined;

  constructor(backend: Backend, options: SchedulerOptions = {}) {
    this.#options = options;
    this.now = options.now ?? (() => performance.now());
    this.lost = new Promise((resolve) => (this.#onLost = resolve));
    this.#depths = this.#newDepths();
    this.#breather = new Breather(this.now);
    this.#backend = backend;
    this.#cache = new KvCache(backend);
    this.#roster = new Roster(backend, this.#cache, this.now);
    this.#planner = this.#newPlanner();
    this.#watch(backend);
  }

  /** The one at work; while another is being made, the lost one. */
  get backend(): Backend {
    return this.#backend;
  }

  get cache(): KvCache {
    return this.#cache;
  }

  /** Longest sequence, tokens. */
  get context(): number {
    return longestSequence(this.#backend);
  }

  get hidden(): boolean {
    return this.#hidden;
  }

  /** Whether browsers may slow the work down because nobody sees its page. Open requests remember that it was so. */
  set hidden(hidden: boolean) {
    this.#hidden = hidden;
    if (hidden) for (const { stats } of [...this.#roster.running, ...this.#roster.waiting]) stats.throttled = true;
  }

  /** Requests that wait or run. */
  get load(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#roster.waiting.length, running: this.#roster.running.length };
  }

  /** Queues a job. Its callbacks are never called before this returns. */
  start(job: Job): Run {
    const stats = { queuedAt: this.now(), cachedTokens: 0, prefilledRows: 0, throttled: this.#hidden };
    const order = this.#order++;
    const run: Run = {
      ...{ job, order, stats, maxTokens: job.maxTokens },
      ...{ reply: [], requested: 0, state: "waiting", prefilled: false, lastStep: 0 },
    };
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

  /**
   * Waits for a slot, lends it to `use`, which submits steps of its own, and takes it back. When the backend is lost
   * meanwhile, `use` is called again on the one that takes its place.
   */
  async borrow<T>(use: (borrowed: Borrowed) => Promise<T>): Promise<T> {
    for (;;) {
      await this.#recovery;
      const backend = this.#backend;
      try {
        return await this.#roster.borrow(use, () => this.#checkUsable()).finally(() => this.#wake());
      } catch (error) {
        if (!isLoss(error)) throw error;
        this.#lose(backend, error);
        this.#checkUsable();
      }
    }
  }

  /** Ends every run with code `disposed`, and the making of another backend. The one at work is the caller's to dispose. */
  dispose(): void {
    this.#fail(new FennecError("disposed", "the engine was disposed; load the model again to go on"), true);
    this.#disposal.abort(this.#failure);
  }

  #checkUsable(): void {
    if (this.#failure) throw this.#failure;
  }

  #newPlanner(): StepPlanner {
    const { limits } = this.#backend;
    return new StepPlanner(this.#roster, this.#cache, limits, this.#options.prefillBudgetMs ?? 40);
  }

  #newDepths(): DepthControl {
    return new DepthControl(this.#options.depth ?? 12);
  }

  #wake(): void {
    if (this.#loop || this.#recovery || this.#failure) return;
    const loop = {};
    this.#loop = loop;
    queueMicrotask(() => void this.#run(loop));
  }

  async #run(loop: object): Promise<void> {
    try {
      while (this.#loop === loop) {
        this.#roster.admit();
        while (this.#flights.length < this.#depth()) {
          const batch = this.#planner.next();
          if (!batch) break;
          this.#submit(batch);
        }
        if (this.#flights.length === 0) {
          this.#depths.interrupted();
          break;
        }
        await this.#receive(loop);
        await this.#breather.breathe();
      }
    } catch (error) {
      if (this.#loop !== loop) return;
      this.#loop = undefined;
      if (isLoss(error)) this.#lose(this.#backend, error);
      else this.#fail(asError(error), false);
      this.#wake(); // for requests that came from the callbacks of those that ended
    } finally {
      if (this.#loop === loop) this.#loop = undefined;
    }
  }

  #fail(error: Error, forGood: boolean): void {
    if (this.#failure) return;
    if (forGood || (isFennecError(error) && error.code === "disposed")) this.#failure = error;
    this.#flights.length = 0;
    this.#roster.endAll(error);
    // Steps that failed may not have written what they should have.
    this.#cache.index.clear();
  }

  #watch(backend: Backend): void {
    void backend.lost.then(({ reason }) => this.#lose(backend, new FennecError("device-lost", reason)));
  }

  /** Everybody waits until another backend has taken the place of this one. Late results of it reach nobody. */
  #lose(backend: Backend, error: FennecError): void {
    if (backend !== this.#backend || this.#recovery || this.#failure) return;
    const { replace } = this.#options;
    if (!replace) {
      this.#failForGood(error);
      return;
    }
    this.#loop = undefined;
    this.#flights.length = 0;
    this.#roster.leave(error);
    backend.dispose();
    this.#recovery = Promise.resolve().then(() => this.#recover(replace, error));
  }

  async #recover(replace: ReplaceBackend, error: FennecError): Promise<void> {
    this.#options.onChange?.("lost", error.message);
    let next: Backend;
    try {
      next = await makeReplacement(replace, error, this.#disposal.signal);
    } catch (failure) {
      if (!this.#failure) this.#failForGood(failure as FennecError);
      return;
    }
    if (this.#failure) {
      next.dispose();
      return;
    }
    this.#backend = next;
    this.#cache = new KvCache(next);
    this.#planner = this.#newPlanner();
    this.#depths = this.#newDepths();
    this.#lastDone = this.now();
    this.#roster.enter(next, this.#cache);
    this.#fitContext();
    this.#recovery = undefined;
    this.#options.onChange?.("replaced", error.message);
    this.#watch(next);
    this.#wake();
  }

  #failForGood(error: FennecError): void {
    this.#fail(error, true);
    this.#options.onChange?.("failed", error.message);
    this.#onLost(error);
  }

  /** The backend at work may hold shorter sequences than the one that was there when these came. */
  #fitContext(): void {
    for (const run of [...this.#roster.waiting]) {
      const room = this.context - run.job.prompt.length;
      run.maxTokens = Math.min(run.maxTokens, room);
      if (run.reply.length >= run.maxTokens) this.#roster.end(run, contextShrunk(this.context));
    }
  }

  /** Few steps ahead at the start, so that the first tokens show at once and a short reply wastes little. */
  #depth(): number {
    if (this.#planner.prefilling.length > 0) return PREFILL_DEPTH;
    const youngest = Math.min(...this.#roster.running.map(({ reply }) => reply.length));
    return this.#depths.depth(youngest);
  }

  #submit(plan: BatchPlan): void {
    const outputs = this.#backend.step(plan.batch());
    outputs.catch(() => undefined); // received in order; an earlier failure may end the loop first
    const { prefillRows, rows } = plan;
    this.#flights.push({ outputs, prefillRows, rows: rows.length, submittedAt: this.now() });
  }

  async #receive(loop: object): Promise<void> {
    const flight = this.#flights[0]!;
    const outputs = await flight.outputs;
    if (this.#loop !== loop || this.#flights[0] !== flight) return; // the backend was lost, or a step failed, meanwhile
    this.#flights.shift();
    const now = this.now();
    this.#planner.measured(flight.prefillRows, now - Math.max(flight.submittedAt, this.#lastDone));
    this.#lastDone = now;
    if (flight.prefillRows > 0) this.#depths.interrupted();
    else this.#depths.arrived(flight.rows, flight.submittedAt, now);
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
    const last = run.reply.length >= run.maxTokens;
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

function contextShrunk(context: number): FennecError {
  return new FennecError(
    "context-full",
    `the GPU was lost, and the backend that took its place holds ${context} tokens: fewer than this conversation has.`,
  );
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
