// How many prompt rows may run between two decode steps, so that running replies keep flowing. A budget of time, but in
// powers of two of rows, so that noise in the measurement rarely changes the shape of a step.

/** Fewest rows of a prompt in a step while others decode. */
const LEAST_ROWS = 16;
/** Before anything was measured. */
const FIRST_ROWS = 64;
/** Weight of the newest measurement in the running mean. */
const NEWEST = 0.3;

export class PrefillPace {
  readonly #mostRows: number;
  readonly #budgetMs: number;
  #msPerRow: number | undefined;

  constructor(mostRows: number, budgetMs: number) {
    this.#mostRows = mostRows;
    this.#budgetMs = budgetMs;
  }

  /** Rows for the next prompt step. @param decoding Whether anybody waits for decode steps. */
  rows(decoding: boolean): number {
    if (!decoding) return this.#mostRows;
    const rows = this.#msPerRow === undefined ? FIRST_ROWS : this.#budgetMs / Math.max(this.#msPerRow, 1e-6);
    const power = 2 ** Math.floor(Math.log2(Math.max(rows, LEAST_ROWS)));
    return Math.min(power, this.#mostRows);
  }

  /** Notes that a step with `rows` prompt rows took `ms`. */
  measured(rows: number, ms: number): void {
    if (rows === 0) return;
    const msPerRow = ms / rows;
    this.#msPerRow = this.#msPerRow === undefined ? msPerRow : this.#msPerRow + NEWEST * (msPerRow - this.#msPerRow);
  }
}
