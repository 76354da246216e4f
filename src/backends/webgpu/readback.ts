// Results on their way back to the host: a ring of small mappable buffers for sampled ids, several tokens deep, and one
// large buffer, made at first use, for logits.

import { FennecError } from "../../errors";
import type { Counters } from "../backend";
import type { Awaiting } from "./firefox_poll";
import type { GpuMemory } from "./memory";

/** Steps whose results may be on their way at once. */
export const RING_DEPTH = 16;

interface Slot {
  readonly buffer: GPUBuffer;
  busy: Promise<unknown> | undefined;
}

export class Readback {
  readonly #ring: Slot[];
  readonly #memory: GpuMemory;
  readonly #counters: Counters;
  readonly #awaiting: Awaiting;
  #next = 0;
  #large: Slot | undefined;

  constructor(memory: GpuMemory, counters: Counters, awaiting: Awaiting, bytes: number) {
    this.#awaiting = awaiting;
    this.#memory = memory;
    this.#counters = counters;
    this.#ring = Array.from({ length: RING_DEPTH }, (_, i) => ({
      buffer: memory.create(`readback ${i}`, bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST, "other"),
      busy: undefined,
    }));
  }

  /** Resolves when the next ring slot is free; undefined when it is free already. */
  get full(): Promise<unknown> | undefined {
    return this.#ring[this.#next]!.busy;
  }

  /** Copies `bytes` of `source` after the pass; call the result after the submit to get them. */
  copy(encoder: GPUCommandEncoder, source: GPUBuffer, bytes: number): () => Promise<ArrayBuffer> {
    const slot = this.#ring[this.#next]!;
    this.#next = (this.#next + 1) % RING_DEPTH;
    encoder.copyBufferToBuffer(source, 0, slot.buffer, 0, bytes);
    return () => this.#read(slot, bytes);
  }

  /** Resolves when the large buffer is free. */
  get largeBusy(): Promise<unknown> | undefined {
    return this.#large?.busy;
  }

  /** Like {@link copy} for logits: `capacity` is the most that will ever be asked for. */
  copyLarge(
    encoder: GPUCommandEncoder,
    source: GPUBuffer,
    bytes: number,
    capacity: number,
  ): () => Promise<ArrayBuffer> {
    this.#large ??= {
      buffer: this.#memory.create(
        "logits readback",
        capacity,
        GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        "other",
      ),
      busy: undefined,
    };
    const slot = this.#large;
    encoder.copyBufferToBuffer(source, 0, slot.buffer, 0, bytes);
    return () => this.#read(slot, bytes);
  }

  #read(slot: Slot, bytes: number): Promise<ArrayBuffer> {
    const mapped = this.#awaiting(slot.buffer.mapAsync(GPUMapMode.READ, 0, bytes)).then(
      () => {
        const copy = slot.buffer.getMappedRange(0, bytes).slice(0);
        slot.buffer.unmap();
        this.#counters.bytesRead += bytes;
        return copy;
      },
      (cause: unknown) => {
        throw new FennecError("device-lost", `the GPU's results did not arrive: ${cause}`, { cause });
      },
    );
    const free = () => {
      slot.busy = undefined;
    };
    slot.busy = mapped.then(free, free);
    return mapped;
  }
}
