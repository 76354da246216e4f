// One user at a time of a named thing: among all tabs by Web Locks, within one process by a chain of promises.

import type { CacheStore } from "./cache";
import { abortedError, throwIfAborted } from "./source_util";

type Exclusively = CacheStore["exclusively"];

/** The end of the chain of each name, for the whole process: two stores may be the same folder. */
const chains = new Map<string, Promise<unknown>>();

/** @param scope Keeps the names of different stores apart. */
export function inProcessLocks(scope: string): Exclusively {
  return async (name, work, waiting, signal) => {
    const key = `${scope}:${name}`;
    const before = chains.get(key);
    if (before) waiting?.();
    const turn = settled(before, signal).then(work);
    const end = Promise.allSettled([before, turn]);
    chains.set(key, end);
    try {
      return await turn;
    } finally {
      void end.then(() => {
        if (chains.get(key) === end) chains.delete(key);
      });
    }
  };
}

/** Web Locks where the browser has them, in this process alone elsewhere. */
export function webLocks(scope: string): Exclusively {
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  if (!locks) return inProcessLocks(scope);
  return async <T>(name: string, work: () => Promise<T>, waiting?: () => void, signal?: AbortSignal): Promise<T> => {
    const key = `fennec:${scope}:${name}`;
    throwIfAborted(signal, "cache");
    const atOnce = await locks.request(key, { ifAvailable: true }, async (lock) => lock && { result: await work() });
    if (atOnce) return atOnce.result;
    waiting?.();
    return (await locks.request(key, signal ? { signal } : {}, work)) as T;
  };
}

function settled(before: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(abortedError("cache", signal?.reason));
    if (signal?.aborted) return aborted();
    signal?.addEventListener("abort", aborted, { once: true });
    const go = () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    };
    Promise.resolve(before).then(go, go);
  });
}
