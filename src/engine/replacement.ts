// What takes the place of a lost backend: WebGPU again, and the processor when the GPU cannot be had or does not last.

import type { Backend } from "../backends/backend";
import { FennecError, isFennecError } from "../errors";

/**
 * Makes a backend for the same model in the place of one that was lost and is disposed already.
 * @throws FennecError `device-lost` when nothing can take its place.
 */
export type ReplaceBackend = (lost: FennecError, signal: AbortSignal) => Promise<Backend>;

export interface ReplacementParts {
  readonly webgpu: (signal: AbortSignal) => Promise<Backend>;
  /** Absent where WebGPU was insisted on. @param reason Becomes the backend's `reason`. */
  readonly processor?: (reason: string, signal: AbortSignal) => Promise<Backend>;
  /** Milliseconds of any clock. */
  readonly now?: () => number;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A device that is lost again within this time is not asked for a third time. */
const SOON_MS = 60_000;
/** A GPU that was reset, or whose process ended, has no adapter for a moment. Pauses before each try. */
const PAUSES_MS = [0, 250, 1500];

export function replacement(parts: ReplacementParts): ReplaceBackend {
  const now = parts.now ?? (() => performance.now());
  let lastLoss = Number.NEGATIVE_INFINITY;

  return async (lost, signal) => {
    const soon = now() - lastLoss < SOON_MS;
    lastLoss = now();
    const story = [lost.message];
    if (soon) story.push("It was lost for the second time within a minute.");
    else {
      const made = await webgpuAgain(parts, signal);
      if (!(made instanceof Error)) return made;
      story.push(`WebGPU cannot be had again: ${made.message}`);
    }
    try {
      if (parts.processor) return await parts.processor(story.join(" "), signal);
    } catch (error) {
      signal.throwIfAborted();
      story.push(`Nor can the processor stand in: ${asError(error).message}`);
    }
    throw new FennecError("device-lost", `${story.join(" ")} Load the model again.`, { cause: lost });
  };
}

/** As `replace`, but ends when the signal is aborted, disposes what comes too late, and any failure is `device-lost`. */
export async function makeReplacement(
  replace: ReplaceBackend,
  lost: FennecError,
  signal: AbortSignal,
): Promise<Backend> {
  const making = replace(lost, signal);
  try {
    return await orAborted(making, signal);
  } catch (failure) {
    void making.then((late) => late.dispose()).catch(() => undefined);
    if (isLoss(failure)) throw failure;
    const why = `${lost.message} Nothing can take its place: ${asError(failure).message} Load the model again.`;
    throw new FennecError("device-lost", why, { cause: failure });
  }
}

export function isLoss(error: unknown): error is FennecError {
  return isFennecError(error) && error.code === "device-lost";
}

/** Rejects when the signal is aborted before `work` settles. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** @returns Why not, when it cannot be. Only a missing adapter is worth another try. */
async function webgpuAgain({ webgpu, wait = pause }: ReplacementParts, signal: AbortSignal): Promise<Backend | Error> {
  let failure = new Error("it was not tried");
  for (const ms of PAUSES_MS) {
    await wait(ms, signal);
    try {
      return await webgpu(signal);
    } catch (error) {
      signal.throwIfAborted();
      failure = asError(error);
      if (!isFennecError(error) || error.code !== "webgpu-missing") break;
    }
  }
  return failure;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
