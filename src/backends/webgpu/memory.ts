// GPU buffers: made here, counted here, freed together.

import { FennecError } from "../../errors";
import type { Counters } from "../backend";

export type MemoryUse = "weights" | "kv" | "other";

export class GpuMemory {
  readonly bytes: Record<MemoryUse, number> = { weights: 0, kv: 0, other: 0 };
  readonly #device: GPUDevice;
  readonly #counters: Counters;
  readonly #buffers = new Set<GPUBuffer>();

  constructor(device: GPUDevice, counters: Counters) {
    this.#device = device;
    this.#counters = counters;
  }

  /** A zero-filled buffer of at least 16 bytes, a multiple of 16. */
  create(label: string, bytes: number, usage: GPUBufferUsageFlags, use: MemoryUse): GPUBuffer {
    const size = Math.max(16, 16 * Math.ceil(bytes / 16));
    const { maxBufferSize } = this.#device.limits;
    if (size > maxBufferSize) {
      throw new FennecError(
        "webgpu-limits",
        `buffer "${label}" needs ${size} bytes; this adapter allows ${maxBufferSize}. Try a shorter context or a smaller model.`,
      );
    }
    const buffer = this.#device.createBuffer({ label, size, usage });
    this.#buffers.add(buffer);
    this.bytes[use] += size;
    this.#counters.buffers++;
    return buffer;
  }

  release(buffer: GPUBuffer, use: MemoryUse): void {
    if (!this.#buffers.delete(buffer)) return;
    this.bytes[use] -= buffer.size;
    buffer.destroy();
  }

  dispose(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.clear();
  }
}

/** Runs `work` and turns a GPU out-of-memory or validation error in it into a FennecError. */
export async function guarded<T>(device: GPUDevice, what: string, work: () => Promise<T> | T): Promise<T> {
  device.pushErrorScope("validation");
  device.pushErrorScope("out-of-memory");
  let result: T;
  let memory: GPUError | null = null;
  let validation: GPUError | null = null;
  try {
    result = await work();
  } finally {
    memory = await device.popErrorScope();
    validation = await device.popErrorScope();
  }
  if (memory)
    throw new FennecError(
      "out-of-memory",
      `${what}: the GPU has not enough memory (${memory.message}). Try a smaller model, a shorter context, or close other tabs.`,
    );
  if (validation) throw new FennecError("kernel-compile", `${what}: ${validation.message}`);
  return result;
}
