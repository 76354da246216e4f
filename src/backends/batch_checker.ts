// What every backend refuses in a batch before it runs, with one message for all. Also follows each slot from
// submission to submission, so that LAST_TOKEN with a wrong position is an error here and not a wrong answer later.

import { FennecError } from "../errors";
import { type BackendLimits, type CacheGroup, LAST_TOKEN, type Row, type StepBatch } from "./backend";

interface Followed {
  /** Position after the slot's last row. */
  next: number;
  /** Did that row sample a token? */
  sampled: boolean;
}

export interface CheckedSizes {
  readonly limits: BackendLimits;
  readonly pageTokens: number;
  readonly groups: readonly CacheGroup[];
  readonly vocab: number;
}

export class BatchChecker {
  readonly #sizes: CheckedSizes;
  readonly #slots: (Followed | undefined)[] = [];

  constructor(sizes: CheckedSizes) {
    this.#sizes = sizes;
  }

  /** A sequence enters a slot. @throws FennecError `invalid-argument`. */
  open(slot: number): void {
    this.#slot(slot);
    this.#slots[slot] = { next: 0, sampled: false };
  }

  /** Call once per submission, in order. @throws FennecError `invalid-argument`; the batch then counts as not made. */
  check(batch: StepBatch): void {
    const { rows, pages = [], pageCopies = [] } = batch;
    const { limits, pageTokens } = this.#sizes;
    if (rows.length === 0 || rows.length > limits.rows)
      throw invalid(`${rows.length} rows; allowed are 1 to ${limits.rows}`);
    let outputs = 0;
    const seen = rows.length > 1 ? new Set<number>() : undefined;
    rows.forEach((row, at) => {
      this.#checkRow(row, rows[at - 1], seen);
      if (row.want !== "nothing") outputs++;
    });
    if (outputs > limits.outputs) throw invalid(`${outputs} rows want an output; at most ${limits.outputs} may`);
    for (const { group, slot, index, page } of pages) {
      this.#slot(slot);
      this.#page(group, page);
      if (!inRange(index, Math.ceil(limits.context / pageTokens)))
        throw invalid(`page ${index} of slot ${slot} starts beyond the context of ${limits.context} tokens`);
    }
    for (const { group, from, to } of pageCopies) {
      this.#page(group, from);
      this.#page(group, to);
    }
    for (const row of rows) this.#follow(row);
  }

  #checkRow(row: Row, before: Row | undefined, seen: Set<number> | undefined): void {
    const { limits, vocab } = this.#sizes;
    const { slot, token, position, keyEnd } = row;
    this.#slot(slot);
    const followed = this.#slots[slot];
    if (!followed) throw invalid(`slot ${slot} holds no sequence; call openSlot first`);
    if (!inRange(position, limits.context))
      throw invalid(`position ${position} of slot ${slot}; the context has ${limits.context}`);
    if (keyEnd !== undefined && !inRange(keyEnd - 1, limits.context))
      throw invalid(`keyEnd ${keyEnd} of slot ${slot}; allowed are 1 to ${limits.context}`);
    const continues = before?.slot === slot;
    if (continues && position !== before.position + 1)
      throw invalid(`slot ${slot} goes from position ${before.position} to ${position} in one step`);
    if (continues && before.want === "token")
      throw invalid(`only the last row of slot ${slot} in a step may want a token`);
    if (!continues && seen?.has(slot)) throw invalid(`rows of slot ${slot} are not consecutive`);
    seen?.add(slot);
    if (token === LAST_TOKEN) {
      if (continues || !followed.sampled || position !== followed.next)
        throw invalid(
          `LAST_TOKEN at position ${position} of slot ${slot}; it needs a token sampled by the slot's last ` +
            `row, and the next position (${followed.next})`,
        );
    } else if (!inRange(token, vocab)) throw invalid(`token ${token}; the vocabulary has ${vocab}`);
  }

  #follow({ slot, position, want }: Row): void {
    const followed = this.#slots[slot]!;
    followed.next = position + 1;
    followed.sampled = want === "token";
  }

  #slot(slot: number): void {
    const { slots } = this.#sizes.limits;
    if (!inRange(slot, slots)) throw invalid(`slot ${slot}; there are ${slots}`);
  }

  #page(group: number, page: number): void {
    const known = this.#sizes.groups[group];
    if (!known) throw invalid(`cache group ${group}; there are ${this.#sizes.groups.length}`);
    if (!inRange(page, known.pages)) throw invalid(`page ${page} of cache group ${group}; its pool has ${known.pages}`);
  }
}

function inRange(value: number, end: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
}

function invalid(message: string): FennecError {
  return new FennecError("invalid-argument", `step: ${message}.`);
}
