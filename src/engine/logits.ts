// Logits of given tokens, exactly as given: nothing is shared with the prefix index. For the command line and tests.

import { GREEDY } from "../../kernels/sample/settings";
import type { Row } from "../backends/backend";
import { checkInteger } from "../check";
import { FennecError } from "../errors";
import type { Scheduler } from "./scheduler";
import { Sequence } from "./sequence";

export interface LogitsOptions {
  /** Logits after every token, not only the last. */
  readonly all?: boolean;
  /** Tokens per step; the backend's most (`limits.rows`) when absent or above it. 1 feeds token by token. */
  readonly chunk?: number;
  readonly signal?: AbortSignal;
}

/**
 * Feeds `tokens` and returns `[rows, vocab]` f32: one row after each token with `all`, otherwise the last only.
 *
 * A backend gives a limited number of outputs per step. With `all` and an explicit `chunk` above that number, a chunk is
 * run again for the next outputs, so that the numbers are those of that chunking; it writes the same keys again.
 *
 * @throws FennecError `context-full`, `out-of-memory`, `invalid-argument`, `aborted`.
 */
export async function computeLogits(
  scheduler: Scheduler,
  tokens: readonly number[],
  options: LogitsOptions = {},
): Promise<Float32Array> {
  const all = options.all ?? false;
  const asked = options.chunk === undefined ? undefined : checkInteger("chunk", options.chunk, 1);
  return scheduler.borrow(async ({ backend, cache, slot, generation }) => {
    const { limits } = backend;
    const chunk = Math.min(asked ?? (all ? limits.outputs : limits.rows), limits.rows);
    backend.openSlot(slot, { generation, sampler: GREEDY, history: [] });
    const sequence = new Sequence(cache, tokens, false);
    const results: Float32Array[] = [];
    try {
      for (let start = 0; start < tokens.length; start += chunk) {
        options.signal?.throwIfAborted();
        const rows = tokens.slice(start, start + chunk).map((token, i) => ({ slot, token, position: start + i }));
        const wanted = all
          ? range(start, start + rows.length)
          : start + rows.length === tokens.length
            ? [tokens.length - 1]
            : [];
        if (!sequence.reserve(rows.length)) throw noRoom(tokens.length, scheduler);
        sequence.submitted += rows.length;
        const { changes } = sequence.takeChanges();
        let pages = changes.map((change) => ({ ...change, slot }));
        for (const group of groupsOf(wanted, limits.outputs)) {
          const asked = new Set(group);
          const batch: Row[] = rows.map((row) => ({ ...row, want: asked.has(row.position) ? "logits" : "nothing" }));
          const outputs = await backend.step({ rows: batch, ...(pages.length > 0 && { pages }) });
          pages = [];
          for (const output of outputs) if (output.want === "logits") results.push(output.logits);
        }
      }
    } catch (error) {
      if (options.signal?.aborted)
        throw new FennecError("aborted", "logits: the request was aborted", { cause: error });
      throw error;
    } finally {
      sequence.drop();
    }
    return joined(results);
  });
}

/** At least one group, so that a chunk without outputs runs once. */
function groupsOf(wanted: readonly number[], most: number): readonly (readonly number[])[] {
  const groups: (readonly number[])[] = [];
  for (let i = 0; i < wanted.length || i === 0; i += most) groups.push(wanted.slice(i, i + most));
  return groups;
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}

function noRoom(tokens: number, scheduler: Scheduler): FennecError {
  return new FennecError(
    "out-of-memory",
    `logits: the KV cache has no room for ${tokens} tokens beside ${scheduler.load.running} running requests. ` +
      "Wait for them, or load with a larger kvTokens.",
  );
}
