// What the scheduler is asked to do, and what it knows of each request while it runs. Token ids only: text, stop
// strings and shapes of replies are the business of generation.ts.

import type { SamplerSettings } from "../../kernels/sample/settings";
import type { Sequence } from "./sequence";

/** One reply to make. */
export interface Job {
  /** At least one token. */
  readonly prompt: readonly number[];
  /** At least 1; prompt and reply together fit the context. */
  readonly maxTokens: number;
  readonly sampler: SamplerSettings;
  /** Starts when that one's prompt is computed, and shares it (several replies to one prompt). */
  readonly after?: Run;
  /**
   * Takes each token of the reply in order. `last` when `maxTokens` ends it here.
   * @returns true to end the reply with this token.
   */
  readonly onToken: (token: number, last: boolean) => boolean;
  /** Called once: without an error after the last token, with one when there will be no more. */
  readonly onEnd: (error?: Error) => void;
}

/** A job in the scheduler. */
export interface Run {
  readonly job: Job;
  /** Order of arrival; when pages run out the latest gives way. */
  readonly order: number;
  readonly reply: number[];
  /** The job's, or fewer where the backend at work holds shorter sequences than the one that was there before. */
  maxTokens: number;
  /** Outputs asked of the backend, accepted ones included. */
  requested: number;
  state: "waiting" | "running" | "ended";
  /** Present while running. */
  seat?: Seat;
  /** Its prompt was computed at least once. */
  prefilled: boolean;
  /** Number of the last step with a row of it. */
  lastStep: number;
  readonly stats: RunStats;
}

export interface Seat {
  readonly slot: number;
  readonly generation: number;
  readonly sequence: Sequence;
  /** Tokens that it came with: the prompt, and the reply so far when it comes back. Later ones are decoded. */
  readonly promptTokens: number;
}

/** Times in milliseconds of the scheduler's clock. */
export interface RunStats {
  readonly queuedAt: number;
  startedAt?: number;
  firstTokenAt?: number;
  lastTokenAt?: number;
  /** Prompt tokens that were in the prefix index when it first started. */
  cachedTokens: number;
  /** The page was hidden during part of it. */
  throttled: boolean;
  /** Rows computed for the prompt; again after giving way to another. */
  prefilledRows: number;
}

/** Prompt rows that are still to be submitted. */
export function pendingRows({ sequence, promptTokens }: Seat): number {
  return Math.max(0, promptTokens - sequence.submitted);
}
