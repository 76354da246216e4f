// The definition of correct: a recorded graph in plain TypeScript and f64, with keys and values in f64 pages. Slow, for
// tests and small models. Only the sampler is shared with other backends (its twin is integer arithmetic).

import { MAX_ROWS, PAGE_TOKENS } from "../../../kernels/common/batch";
import { checkSampler } from "../../../kernels/sample/slot";
import { FennecError } from "../../errors";
import type {
  Backend,
  BackendInput,
  BackendLimits,
  CacheGroup,
  Counters,
  SlotState,
  StepBatch,
  StepOutput,
} from "../backend";
import { BatchChecker } from "../batch_checker";
import { cacheGroups } from "../cache_groups";
import { newCounters } from "../counters";
import { HostSlots } from "../host_slots";
import { execute } from "./execute";
import { KvCache } from "./kv";
import { loadReferenceWeights, type ReferenceWeights } from "./weights";

/** More outputs than a GPU step gives, so that a parity run needs one pass. */
const OUTPUTS = 128;

export interface ReferenceOptions {
  /** Tokens in a page; the webgpu backend's when absent. Small pages make page borders frequent in tests. */
  readonly pageTokens?: number;
  /** Rows in one step at most. */
  readonly rows?: number;
}

/**
 * Loads all weights as f32 and makes a backend. Its precision is always `exact`, and its KV type f64, whatever
 * `input.options` asks for.
 *
 * @throws FennecError `out-of-memory` above 1 GiB of f32 weights, `file-unsupported`, `tensor-missing`,
 *   `tensor-not-finite`, and what reading the file throws.
 */
export async function createReferenceBackend(input: BackendInput, options: ReferenceOptions = {}): Promise<Backend> {
  const { graph, file } = input;
  const { signal, onProgress } = input.options;
  return new ReferenceBackend(input, options, await loadReferenceWeights(graph, file, signal, onProgress));
}

class ReferenceBackend implements Backend {
  readonly kind = "reference";
  readonly precision = "exact";
  readonly kv = "f64";
  readonly adapter = "cpu";
  readonly limits: BackendLimits;
  readonly pageTokens: number;
  readonly groups: readonly CacheGroup[];
  readonly counters: Counters = newCounters();
  readonly lost = new Promise<never>(() => {});
  readonly #input: BackendInput;
  readonly #weights: ReferenceWeights;
  readonly #cache: KvCache;
  readonly #checker: BatchChecker;
  readonly #slots = new HostSlots();
  #disposed = false;

  constructor(input: BackendInput, options: ReferenceOptions, weights: ReferenceWeights) {
    const { slots, context, kvTokens } = input.options;
    const { pageTokens = PAGE_TOKENS, rows = MAX_ROWS } = options;
    this.#input = input;
    this.#weights = weights;
    this.pageTokens = pageTokens;
    this.limits = { rows, outputs: Math.min(OUTPUTS, rows), slots, context };
    this.groups = cacheGroups(input.graph, {
      pageTokens,
      headBytes: (headDim) => 8 * headDim,
      chunk: rows,
      slots,
      context,
      kvTokens,
    });
    this.#cache = new KvCache(input.graph.caches, this.groups, pageTokens, slots);
    this.#checker = new BatchChecker({ limits: this.limits, pageTokens, groups: this.groups, vocab: input.vocab });
  }

  get memory() {
    return { weights: this.#weights.bytes, kv: this.#cache.bytes, other: 0 };
  }

  openSlot(slot: number, state: SlotState): void {
    checkSampler(state.sampler);
    this.#checker.open(slot);
    this.counters.slotWrites++;
    this.#slots.open(slot, state);
  }

  step(batch: StepBatch): Promise<readonly StepOutput[]> {
    try {
      if (this.#disposed) throw disposed();
      this.#checker.check(batch);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#slots.inOrder(() => {
      if (this.#disposed) throw disposed();
      return this.#run(batch);
    });
  }

  dispose(): void {
    this.#disposed = true;
  }

  #run({ rows, pages = [], pageCopies = [] }: StepBatch): readonly StepOutput[] {
    for (const page of pages) this.#cache.map(page);
    for (const { group, from, to } of pageCopies) this.#cache.copy(group, from, to);
    this.counters.pageWrites += pages.length;
    this.counters.submits++;

    const outputs = rows.flatMap(({ want }, row) => (want === "nothing" ? [] : [row]));
    const logits = execute(
      this.#input.graph,
      this.#weights,
      this.#cache,
      rows.map((row) => ({
        slot: row.slot,
        position: row.position,
        keyEnd: row.keyEnd ?? row.position + 1,
        token: this.#slots.tokenOf(row),
      })),
      outputs,
    );
    return outputs.map((row, output) => {
      const values = logits.data.subarray(output * logits.width, (output + 1) * logits.width);
      return this.#slots.answer(rows[row]!, Float32Array.from(values));
    });
  }
}

function disposed(): FennecError {
  return new FennecError("disposed", "step: this backend was disposed; make a new one.");
}
