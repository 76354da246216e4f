// Which runtime a backend gets: direct where it starts, else public. Backends with as many threads share one heap; a
// heap that has grown large goes when its last backend did, since wasm memory never shrinks.

import { isFennecError } from "../../errors";
import { directRuntime } from "./direct_runtime";
import { publicRuntime } from "./public_runtime";
import type { Runtime } from "./runtime";

/** Bytes of heap that are worth keeping for the next model. */
const KEPT_HEAP = 256 << 20;

export interface RuntimeOptions {
  /** Threads of the processor; {@link defaultThreads} when absent. More than one need a cross-origin isolated page, or Node. */
  readonly threads?: number;
  /** `public`: the documented interface, which copies keys and values at each run. For tests and comparisons. */
  readonly interface?: "direct" | "public";
}

interface Shared {
  readonly runtime: Promise<Runtime>;
  users: number;
}

const shared = new Map<number, Shared>();

/** @throws FennecError `backend-unsupported` when the package is not installed, has another version, or cannot start. */
export async function loadRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const threads = threadsSupported() ? (options.threads ?? (await defaultThreads())) : 1;
  if (options.interface === "public") return publicRuntime(threads);
  const entry = shared.get(threads) ?? { runtime: startDirect(threads), users: 0 };
  shared.set(threads, entry);
  entry.users++;
  try {
    const runtime = await entry.runtime;
    let released = false;
    return Object.assign(Object.create(runtime) as Runtime, {
      release: () => {
        if (released) return;
        released = true;
        entry.users--;
        // Threads hold the heap, and nothing ends them.
        if (entry.users === 0 && threads === 1 && runtime.heapBytes > KEPT_HEAP) shared.delete(threads);
      },
    });
  } catch (error) {
    shared.delete(threads); // an installed package may be found next time
    throw error;
  }
}

async function startDirect(threads: number): Promise<Runtime> {
  try {
    return await directRuntime(threads);
  } catch (error) {
    if (isFennecError(error)) throw error;
    return publicRuntime(threads); // a bundler that lost the wasm file, another build of the module
  }
}

const inNode = typeof process !== "undefined" && process.versions?.node !== undefined;

/** Threads share memory, which pages only may when they are cross-origin isolated. */
export function threadsSupported(): boolean {
  return inNode || globalThis.crossOriginIsolated === true;
}

/** Half of the processor's cores, at most 4: more wait for each other. ONNX Runtime's own default. */
async function defaultThreads(): Promise<number> {
  // Not by an import: a bundled page would carry a stand-in for the module.
  const cores = inNode ? process.getBuiltinModule("os").availableParallelism() : navigator.hardwareConcurrency;
  return Math.max(1, Math.min(4, Math.ceil(cores / 2)));
}
