// The webgpu backend at work: slots, page tables and steps. All buffers and bind groups exist before the first step; a
// step writes what changed, replays the plan in one pass, and reads back what was asked for.

import { BATCH_BYTES, MAX_OUTPUTS, SLOT_WORDS } from "../../../kernels/common/batch";
import {
  checkSampler,
  encodeBiases,
  encodeCounts,
  encodeSlot,
  MAX_BIASES,
  usesCounts,
} from "../../../kernels/sample/slot";
import { FennecError } from "../../errors";
import type {
  Backend,
  BackendLimits,
  CacheGroup,
  Counters,
  KvType,
  Precision,
  SlotState,
  StepBatch,
  StepOutput,
} from "../backend";
import { BatchChecker } from "../batch_checker";
import { encodeBatch, outputsOf, type Wanting, wantsLogits } from "./batch_words";
import type { GpuMemory } from "./memory";
import type { Readback } from "./readback";
import { kindOf, type Replayed, type Replays } from "./replays";

/** What `index.ts` assembles. */
export interface WebgpuParts {
  readonly device: GPUDevice;
  readonly adapter: string;
  readonly precision: Precision;
  readonly kv: KvType;
  readonly activations?: "int8";
  readonly limits: BackendLimits;
  readonly pageTokens: number;
  readonly groups: readonly CacheGroup[];
  readonly pagesPerSlot: number;
  readonly vocab: number;
  readonly counters: Counters;
  readonly memory: GpuMemory;
  readonly readback: Readback;
  readonly replays: Replays;
  readonly buffers: {
    readonly batch: GPUBuffer;
    readonly slots: GPUBuffer;
    readonly pages: GPUBuffer;
    readonly counts: GPUBuffer;
    readonly biases: GPUBuffer;
    readonly sampled: GPUBuffer;
    readonly logits: GPUBuffer;
    /** By layer. */
    readonly kv: readonly GPUBuffer[];
    /** As large as the largest page of a layer. */
    readonly pageCopy: GPUBuffer;
  };
  /** Bytes of one page of a layer, by layer. */
  readonly pageBytes: readonly number[];
}

export class WebgpuBackend implements Backend {
  readonly kind = "webgpu";
  readonly precision: Precision;
  readonly kv: KvType;
  readonly activations?: "int8";
  readonly adapter: string;
  readonly limits: BackendLimits;
  readonly pageTokens: number;
  readonly groups: readonly CacheGroup[];
  readonly counters: Readonly<Counters>;
  readonly lost: Promise<{ readonly reason: string }>;
  readonly #parts: WebgpuParts;
  readonly #counters: Counters;
  readonly #checker: BatchChecker;
  readonly #batch = new Uint32Array(BATCH_BYTES / 4);
  readonly #written = new Uint32Array(BATCH_BYTES / 4);
  /** Steps that wait for a pipeline or a ring slot; while there are any, later steps wait behind them. */
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #failure: FennecError | undefined;

  constructor(parts: WebgpuParts) {
    this.#parts = parts;
    this.#counters = parts.counters;
    this.precision = parts.precision;
    this.kv = parts.kv;
    if (parts.activations) this.activations = parts.activations;
    this.adapter = parts.adapter;
    this.limits = parts.limits;
    this.pageTokens = parts.pageTokens;
    this.groups = parts.groups;
    this.counters = parts.counters;
    this.#checker = new BatchChecker(parts);
    const fault = new Promise<FennecError>((resolve) => {
      parts.device.addEventListener("uncapturederror", ({ error }) => resolve(refusedCommand(error)));
    });
    const lost = parts.device.lost.then(
      ({ reason, message }) =>
        new FennecError("device-lost", `the GPU device was lost (${reason}): ${message.replace(/\.$/, "")}.`),
    );
    this.lost = Promise.race([lost, fault]).then((error) => {
      this.#failure ??= error;
      return { reason: this.#failure.message };
    });
  }

  get memory() {
    return { ...this.#parts.memory.bytes };
  }

  openSlot(slot: number, state: SlotState): void {
    checkSampler(state.sampler);
    this.#checker.open(slot);
    if (this.#waiting === 0) {
      this.#writeSlot(slot, state);
      return;
    }
    // Steps that wait for pipelines or for readback still belong to the sequence before: the slot is written after them.
    this.#waiting++;
    this.#tail = this.#tail.then(() => {
      this.#waiting--;
      this.#writeSlot(slot, state);
    });
  }

  step(batch: StepBatch): Promise<readonly StepOutput[]> {
    try {
      if (this.#failure) throw this.#failure;
      this.#checker.check(batch);
      const replay = this.#waiting === 0 ? this.#ready(batch) : undefined;
      if (replay) return this.#submit(batch, replay);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#waiting++;
    // Boxed, so that the next step waits for this one's submission and not for its results.
    const submission = this.#tail.then(async () => {
      try {
        return { outputs: this.#submit(batch, await this.#prepared(batch)) };
      } finally {
        this.#waiting--;
      }
    });
    this.#tail = submission.catch(() => {});
    return submission.then(({ outputs }) => outputs);
  }

  dispose(): void {
    this.#failure ??= new FennecError("disposed", "this backend was disposed");
    this.#parts.memory.dispose();
    this.#parts.device.destroy();
  }

  #writeSlot(slot: number, state: SlotState): void {
    const { device, buffers, vocab } = this.#parts;
    device.queue.writeBuffer(buffers.slots, 4 * SLOT_WORDS * slot, encodeSlot(state));
    this.#counters.slotWrites++;
    if (state.sampler.logitBias.size > 0) {
      device.queue.writeBuffer(buffers.biases, 8 * MAX_BIASES * slot, encodeBiases(state.sampler));
      this.#counters.slotWrites++;
    }
    if (usesCounts(state.sampler)) {
      device.queue.writeBuffer(buffers.counts, 4 * vocab * slot, encodeCounts(state, vocab));
      this.#counters.slotWrites++;
    }
  }

  /** What the step replays, if it can be submitted at once. */
  #ready(batch: StepBatch): readonly Replayed[] | undefined {
    const { readback, replays } = this.#parts;
    if (readback.full || (wantsLogits(batch) && readback.largeBusy)) return undefined;
    return replays.of(kindOf(batch));
  }

  async #prepared(batch: StepBatch): Promise<readonly Replayed[]> {
    const { readback, replays } = this.#parts;
    const kind = kindOf(batch);
    await replays.warm(kind);
    while (readback.full) await readback.full;
    while (wantsLogits(batch) && readback.largeBusy) await readback.largeBusy;
    if (this.#failure) throw this.#failure;
    return replays.of(kind)!;
  }

  async #submit(batch: StepBatch, replay: readonly Replayed[]): Promise<readonly StepOutput[]> {
    const { device, buffers, readback, vocab } = this.#parts;
    const wanting = outputsOf(batch);
    const encoder = device.createCommandEncoder();
    this.#writePages(batch, encoder);
    this.#writeBatch(batch, wanting);

    const pass = encoder.beginComputePass();
    for (const { pipeline, group, x, y, z } of replay) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(x, y, z);
    }
    pass.end();
    const tokens = wanting.some(({ want }) => want === "token")
      ? readback.copy(encoder, buffers.sampled, 8 * wanting.length)
      : undefined;
    const logits = wantsLogits(batch)
      ? readback.copyLarge(encoder, buffers.logits, 4 * vocab * wanting.length, 4 * vocab * MAX_OUTPUTS)
      : undefined;
    device.queue.submit([encoder.finish()]);
    this.#counters.passes++;
    this.#counters.submits++;
    this.#counters.dispatches += replay.length;
    if (!tokens && !logits) return [];

    const [sampled, values] = await Promise.all([tokens?.(), logits?.()]).catch((error: unknown) => {
      throw this.#failure ?? error;
    });
    if (this.#failure) throw this.#failure;
    const ids = sampled && new Uint32Array(sampled);
    return wanting.map(({ slot, want }, output): StepOutput => {
      if (want === "token") return { want, slot, token: ids![2 * output]!, generation: ids![2 * output + 1]! };
      return { want: "logits", slot, logits: new Float32Array(values!, 4 * vocab * output, vocab).slice() };
    });
  }

  #writePages({ pages = [], pageCopies = [] }: StepBatch, encoder: GPUCommandEncoder): void {
    const { device, buffers, limits, pagesPerSlot, groups, pageBytes } = this.#parts;
    for (const { group, slot, index, page } of pages) {
      const at = (group * limits.slots + slot) * pagesPerSlot + index;
      device.queue.writeBuffer(buffers.pages, 4 * at, Uint32Array.of(page));
      this.#counters.pageWrites++;
    }
    for (const { group, from, to } of pageCopies) {
      for (const layer of groups[group]!.layers) {
        const bytes = pageBytes[layer]!;
        // Through a third buffer: WebGPU does not copy within one.
        encoder.copyBufferToBuffer(buffers.kv[layer]!, from * bytes, buffers.pageCopy, 0, bytes);
        encoder.copyBufferToBuffer(buffers.pageCopy, 0, buffers.kv[layer]!, to * bytes, bytes);
      }
    }
  }

  /** Writes the batch uniform unless it already says the same: in steady decoding it does. */
  #writeBatch({ rows }: StepBatch, wanting: readonly Wanting[]): void {
    const words = encodeBatch(this.#batch, rows, wanting);
    if (words.every((word, at) => word === this.#written[at])) return;
    this.#written.set(words);
    this.#parts.device.queue.writeBuffer(this.#parts.buffers.batch, 0, words);
    this.#counters.batchWrites++;
  }
}

/** A command that the GPU refused after the fact: the state behind it cannot be trusted. */
function refusedCommand(error: GPUError): FennecError {
  if (error instanceof GPUOutOfMemoryError)
    return new FennecError(
      "out-of-memory",
      `the GPU has not enough memory (${error.message}). Try a shorter context or fewer slots.`,
    );
  return new FennecError("device-lost", `the GPU refused a command: ${error.message}.`);
}
