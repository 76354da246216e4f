// How much the JS heap grows while something runs. In Node only.

/** What the engine may add to the JS heap while it loads, apart from the tokenizer. */
export const HEAP_LIMIT = 64 << 20;

/**
 * Bytes of the largest reading over the start. What is only waiting for the collector is not counted: a large reading is
 * taken again after a collection.
 *
 * @param work Calls `look` now and then.
 */
export async function heapGrowth<T>(work: (look: () => void) => Promise<T>): Promise<{ result: T; growth: number }> {
  const collect = await collector();
  const before = await settledHeap();
  let looks = 0;
  let growth = 0;
  const result = await work(() => {
    looks++;
    if (heapBytes() - before > HEAP_LIMIT / 2) collect();
    growth = Math.max(growth, heapBytes() - before);
  });
  if (looks === 0) throw new Error("the heap was never looked at");
  return { result, growth };
}

/** Bytes in use after a collection. */
export async function settledHeap(): Promise<number> {
  const collect = await collector();
  collect();
  await new Promise((resolve) => setTimeout(resolve, 50)); // freed array buffers are counted off later
  collect();
  return heapBytes();
}

async function collector(): Promise<() => void> {
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--expose-gc");
  return (await import("node:vm")).runInNewContext("gc") as () => void;
}

function heapBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
