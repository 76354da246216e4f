// What fits the wasm heap: weights, keys and values, and what a run needs. Decided from the header, before a weight is
// read or downloaded.

import { MAX_ROWS } from "../../../kernels/common/batch";
import type { WeightsFile } from "../../files/weights_file";
import type { Graph } from "../../graph/graph";
import { mostRows } from "./kv";
import { planWeights, type WeightChoice, type WeightPlan } from "./weight_forms";

/** wasm32 addresses so many bytes. */
const HEAP = 2 ** 32;

/** The runtime's own code and tables, and losses between blocks of memory. */
const RUNTIME_BYTES = 192 << 20;

/** Packed weights take a little more than they have bytes. Measured: 463 MiB of heap for 384 MiB. */
const PACKED = 1.1;

/** Tokens of keys and values that are kept room for, whatever the weights take. */
const LEAST_TOKENS = 2048;

export interface MemoryPlan {
  readonly weights: WeightPlan;
  /** Longest sequence, and tokens of all sequences together: as asked for, or what is left beside the weights. */
  readonly context: number;
  readonly kvTokens: number;
}

export interface MemoryWishes {
  readonly context: number;
  readonly kvTokens: number;
  readonly slots: number;
  readonly choice?: WeightChoice | undefined;
  /** Bytes of weights at most; what the heap allows when absent. */
  readonly weightBudget?: number | undefined;
}

/** @throws FennecError `out-of-memory` saying what would fit, `tensor-missing`, `file-unsupported`. */
export function planMemory(graph: Graph, file: WeightsFile, wishes: MemoryWishes): MemoryPlan {
  const { slots, choice } = wishes;
  const rowBytes = graph.caches.reduce((sum, { kvHeads, headDim }) => sum + 8 * kvHeads * headDim, 0);
  const kvBytes = (kvTokens: number) => rowBytes * mostRows({ kvTokens, slots });
  const free = HEAP - RUNTIME_BYTES - runBytes(graph);
  const least = kvBytes(Math.min(wishes.kvTokens, LEAST_TOKENS));
  const budget = wishes.weightBudget ?? Math.floor(Math.max(0, free - least) / PACKED);
  const weights = planWeights(graph, file, budget, choice);
  const left = Math.max(least, free - PACKED * weights.bytes);
  let kvTokens = wishes.kvTokens;
  if (kvBytes(kvTokens) > left)
    kvTokens = Math.floor((kvTokens * (left - kvBytes(0))) / (kvBytes(kvTokens) - kvBytes(0)));
  return { weights, kvTokens, context: Math.min(wishes.context, kvTokens) };
}

/** The widest values of a chunk, a few at once, and the logits of one row. */
function runBytes(graph: Graph): number {
  const widest = graph.nodes.reduce(
    (width, { op, out }) => (op !== "linear" || out.rows === "tokens" ? Math.max(width, out.width) : width),
    0,
  );
  return 4 * (6 * MAX_ROWS * widest + 4 * graph.output.width);
}
