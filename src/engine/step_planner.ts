// Which rows run next: pieces of prompts and decode rows of whoever runs, in turns, within the limits of a step and the
// pages that there are. One planner per backend.

import type { BackendLimits } from "../backends/backend";
import { FennecError } from "../errors";
import { BatchPlan } from "./batch_plan";
import { pendingRows, type Run } from "./job";
import { PrefillPace } from "./pace";
import type { Roster } from "./roster";
import type { KvCache } from "./sequence";

export class StepPlanner {
  readonly #roster: Roster;
  readonly #cache: KvCache;
  readonly #limits: BackendLimits;
  readonly #pace: PrefillPace;
  #steps = 0;
  #prefilledLast = false;

  /** @param prefillBudgetMs Milliseconds of prompt between two decode steps. */
  constructor(roster: Roster, cache: KvCache, limits: BackendLimits, prefillBudgetMs: number) {
    this.#roster = roster;
    this.#cache = cache;
    this.#limits = limits;
    this.#pace = new PrefillPace({ mostRows: limits.rows, besideMs: prefillBudgetMs, aloneMs: limits.stepMs });
  }

  /** Runs with prompt rows that are still to be submitted. */
  get prefilling(): readonly Run[] {
    return this.#roster.running.filter(({ seat }) => seat && pendingRows(seat) > 0);
  }

  /** Notes that a step with `rows` prompt rows took `ms`. */
  measured(rows: number, ms: number): void {
    this.#pace.measured(rows, ms);
  }

  /** Undefined when nobody has anything to compute now. */
  next(): BatchPlan | undefined {
    this.#steps += 1;
    const prefilling = this.prefilling;
    const decoding = this.#roster.running.filter((run) => !prefilling.includes(run) && run.requested < run.maxTokens);
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
      if (budget === 0 || plan.outputs === this.#limits.outputs) return;
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
    const most = Math.min(this.#limits.rows, this.#limits.outputs);
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
      else this.#roster.end(run, outOfPages(run, this.#cache));
      return 0;
    }
  }
}

function outOfPages(run: Run, cache: KvCache): FennecError {
  const pages = cache.groups.map((group, i) => `${group.pages} (${cache.available(i)} available)`).join(", ");
  return new FennecError(
    "out-of-memory",
    `the KV cache cannot hold ${run.job.prompt.length + run.reply.length} tokens: pages per group ${pages}, ` +
      `${cache.pageTokens} tokens each. Load with a larger kvTokens.`,
  );
}
