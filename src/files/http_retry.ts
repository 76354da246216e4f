// Patience with a network: attempts with growing waits between them, and an end to connections that bring nothing.

import { FennecError } from "../errors";
import { abortedError, reasonOf, throwIfAborted } from "./source_util";

/** A connection that brings nothing for this long is dropped and made again. */
const STALL_MS = 60_000;

/** First wait before a new attempt; it doubles each time. */
const RETRY_DELAY_MS = 500;

/** Attempts until one succeeds or `maxFailures` have failed. */
export async function retry<T>(
  name: string,
  attempt: () => Promise<T>,
  maxFailures: number,
  retryDelayMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      await pause(name, error, failures, maxFailures, retryDelayMs, signal);
    }
  }
}

/** Waits before the next attempt, or throws when there should be none. */
export async function pause(
  name: string,
  error: unknown,
  failures: number,
  maxFailures: number,
  retryDelayMs: number | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal?.aborted) throw abortedError(name, signal.reason);
  if (error instanceof FennecError) throw error;
  if (failures >= maxFailures) throw unreachable(name, error);
  const wait = (retryDelayMs ?? RETRY_DELAY_MS) * 2 ** (failures - 1);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, wait);
    signal?.addEventListener("abort", () => resolve(void clearTimeout(timer)), { once: true });
  });
  throwIfAborted(signal, name);
}

/** The last word after all attempts. */
export function unreachable(name: string, error: unknown): FennecError {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return new FennecError(
    "source-unreadable",
    `${name}: cannot be fetched (${reasonOf(error)}${cause}). Check the address and the connection; ` +
      `a server of another origin must allow this page by CORS headers.`,
    { cause: error },
  );
}

/** A signal that follows the caller's and also fires when one step takes longer than `stallMs`. */
export function stallWatch(outer: AbortSignal | undefined, stallMs = STALL_MS) {
  const controller = new AbortController();
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  outer?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    async during<T>(step: Promise<T>): Promise<T> {
      const stalled = () => controller.abort(new Error(`nothing arrived for ${stallMs / 1000} seconds`));
      const timer = setTimeout(stalled, stallMs);
      try {
        return await step;
      } finally {
        clearTimeout(timer);
      }
    },
    end: () => outer?.removeEventListener("abort", follow),
  };
}
