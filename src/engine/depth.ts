// How many decode steps are in flight. Too few and the GPU waits for the host between steps; too many and a stop throws
// them away. What is needed follows from two times: a step on the GPU, and the way of its result back to the host and of
// the next submission to the GPU (0.1 ms in a native program, 3 ms in some browsers, 100 ms where maps are polled).
//
// Both are seen in the arrivals. While the GPU waits, results come in bursts: a step's time apart inside a burst, and each
// one a step and the way back after its submission, whatever the depth. So latency / interval is the depth that keeps the
// GPU busy (Little's law); while it is busy, that ratio is the depth there is. As no two steps take quite the same time,
// the ratio only proposes: a depth is kept when tokens really come faster with it. Less is tried now and then, since only
// that shows that less is enough.

/** Enough where a step takes longer than the way back. */
const LEAST = 2;
/** Arrivals that are looked at together. */
const WINDOW = 12;
/** Tokens of a reply for each further step in flight: a short reply wastes little, and so does an early stop. */
const TOKENS_PER_STEP = 2;
/** By how much the ratio must exceed the depth to be a proposal. */
const NOTABLE = 1.05;
/** Steps that one proposal can add: results that were held up and came all at once look like a need for many. */
const MOST_GROWTH = 2;
/** The part of what one more step can win that has to be won: between noise and the whole. */
const CONVINCING = 0.4;
/** Windows between two trials of one kind: at first, and at most after failures. */
const PATIENCE = 4;
const MOST_PATIENCE = 64;

/** Another depth that is tried for a window. */
interface Trial {
  readonly from: number;
  /** Mean time between arrivals at `from`. */
  readonly interval: number;
}

/** When to try a kind of change again. */
interface Turn {
  wait: number;
  patience: number;
}

export class DepthControl {
  readonly #most: number;
  #target = LEAST;
  /** What was last asked to be in flight: below the target at the start of a reply. */
  #used = LEAST;
  #trial: Trial | undefined;
  readonly #more: Turn = { wait: 0, patience: PATIENCE };
  readonly #less: Turn = { wait: PATIENCE, patience: PATIENCE };
  #rows = 0;
  #last = 0;
  /** Arrivals that still belong to another depth. */
  #skip = 0;
  readonly #intervals: number[] = [];
  readonly #latencies: number[] = [];

  /** @param most Steps in flight, whatever is measured. */
  constructor(most: number) {
    this.#most = Math.max(1, most);
  }

  /** Steps to have in flight. @param youngest Tokens of the shortest reply. */
  depth(youngest: number): number {
    this.#used = Math.min(this.#most, this.#target, LEAST + Math.floor(youngest / TOKENS_PER_STEP));
    return this.#used;
  }

  /** The results of a decode step of `rows` rows have arrived. Milliseconds of any clock. */
  arrived(rows: number, submittedAt: number, now: number): void {
    const interval = now - this.#last;
    const comparable = rows === this.#rows && this.#used === Math.min(this.#target, this.#most);
    this.#rows = rows;
    this.#last = now;
    if (!comparable) this.#forget();
    else if (this.#skip > 0) this.#skip -= 1;
    else {
      this.#intervals.push(interval);
      this.#latencies.push(now - submittedAt);
      if (this.#intervals.length === WINDOW) this.#adapt();
    }
  }

  /** Something else than a decode step ran, or nothing did. */
  interrupted(): void {
    this.#rows = 0;
    this.#forget();
  }

  #adapt(): void {
    const interval = mean(this.#intervals);
    const needed = median(this.#latencies) / median(this.#intervals);
    this.#forget();
    if (this.#trial) this.#judge(this.#trial, interval);
    if (this.#trial) return;
    this.#more.wait -= 1;
    this.#less.wait -= 1;
    const proposed = Math.min(Math.ceil(needed), this.#target + MOST_GROWTH, this.#most);
    if (needed > this.#target * NOTABLE && proposed > this.#target && this.#more.wait <= 0)
      this.#try(proposed, interval);
    else if (this.#target > LEAST && this.#less.wait <= 0) this.#try(this.#target - 1, interval);
  }

  #try(target: number, interval: number): void {
    this.#trial = { from: this.#target, interval };
    this.#move(target);
  }

  /** Keeps a depth above the one before when it was faster, below it when it was as fast. */
  #judge({ from, interval: before }: Trial, interval: number): void {
    this.#trial = undefined;
    const more = this.#target > from;
    const turn = more ? this.#more : this.#less;
    const least = Math.min(from, this.#target);
    // With the GPU waiting at both depths, the interval is in inverse proportion to them.
    const faster = (more ? interval / before : before / interval) < 1 - CONVINCING / (least + 1);
    const kept = more === faster;
    turn.patience = kept ? PATIENCE : Math.min(MOST_PATIENCE, 2 * turn.patience);
    turn.wait = kept && more ? 0 : turn.patience;
    if (!kept) this.#move(from);
  }

  #move(target: number): void {
    this.#skip = Math.max(this.#target, target);
    this.#target = target;
  }

  #forget(): void {
    this.#intervals.length = 0;
    this.#latencies.length = 0;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The lower one of the middle two: of the two kinds of intervals in bursts of two, the one inside a burst. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}
