// A webgpu backend on a fixture's model, as `load` would make it, with what tests may vary.

import type { Activations, Backend, Counters, KvType } from "../../src/backends/backend";
import { createWebgpuBackend, type WebgpuOptions } from "../../src/backends/webgpu/index";
import { testGpu } from "./gpu";
import type { ParityFixture } from "./parity";

export interface WebgpuTestOptions extends WebgpuOptions {
  readonly kv?: KvType;
  readonly activations?: Activations;
  readonly slots?: number;
  /** Tokens of the longest sequence; 256 when absent. */
  readonly context?: number;
  readonly onProgress?: () => void;
}

export async function webgpuBackend(
  fixture: Pick<ParityFixture, "file" | "graph" | "config">,
  { kv = "f32", activations = "f32", slots = 4, context = 256, onProgress, ...options }: WebgpuTestOptions = {},
): Promise<Backend> {
  const { file, graph, config } = fixture;
  const precision = kv === "f32" ? "exact" : "fast";
  const input = {
    graph,
    file,
    vocab: config.vocab,
    options: {
      precision,
      kv,
      activations,
      kvTokens: slots * context,
      context,
      slots,
      ...(onProgress && { onProgress }),
    },
  } as const;
  // The kernel tests run all that the self-test would.
  return createWebgpuBackend(input, await testGpu(), { selfTest: false, ...options });
}

/** What was counted between two readings. */
export function countersSince(before: Counters, after: Readonly<Counters>): Counters {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Counters]]),
  ) as unknown as Counters;
}
