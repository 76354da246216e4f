// How many prompt rows a step may have: so many that running replies keep flowing, and that a GPU is free again to draw
// the page. Budgets of time, but in powers of two of rows, so that noise in the measurement rarely changes the shape of a
// step.

/** Fewest rows of a prompt in a step, with others that decode and without: few rows more cost little time. */
const LEAST_ROWS = { beside: 16, alone: 32 };
/** Before anything was measured. */
const FIRST_ROWS = 64;
/** Weight of the newest measurement in the running mean. */
const NEWEST = 0.3;

export interface PrefillBudgets {
  /** Rows of a step. */
  readonly mostRows: number;
  /** Milliseconds of prompt between two decode steps. */
  readonly besideMs: number;
  /** Milliseconds of a step where nobody decodes; absent: any. */
  readonly aloneMs?: number | undefined;
}

export class PrefillPace {
  readonly #budgets: PrefillBudgets;
  #msPerRow: number | undefined;

  constructor(budgets: PrefillBudgets) {
    this.#budgets = budgets;
  }

  /** Rows for the next prompt step. @param decoding Whether anybody waits for decode steps. */
  rows(decoding: boolean): number {
    const { mostRows, besideMs, aloneMs } = this.#budgets;
    const budget = decoding ? besideMs : aloneMs;
    if (budget === undefined) return mostRows;
    const rows = this.#msPerRow === undefined ? FIRST_ROWS : budget / Math.max(this.#msPerRow, 1e-6);
    const least = decoding ? LEAST_ROWS.beside : LEAST_ROWS.alone;
    const power = 2 ** Math.floor(Math.log2(Math.max(rows, least)));
    return Math.min(power, mostRows);
  }

  /** Notes that a step with `rows` prompt rows took `ms`. */
  measured(rows: number, ms: number): void {
    if (rows === 0) return;
    const msPerRow = ms / rows;
    this.#msPerRow = this.#msPerRow === undefined ? msPerRow : this.#msPerRow + NEWEST * (msPerRow - this.#msPerRow);
  }
}
