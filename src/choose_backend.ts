// Which backend runs a model: the one that was asked for, or WebGPU with the processor as what stands in. Backends are
// imported when chosen.

import type { Backend, BackendInput } from "./backends/backend";
import type { Tune } from "./backends/webgpu/tune_once";
import { invalid } from "./check";
import { type ReplaceBackend, replacement } from "./engine/replacement";
import { type ErrorCode, FennecError, isFennecError } from "./errors";
import { platformGpu } from "./platform";
import { missing } from "./probe";

export type BackendChoice = "auto" | "webgpu" | "onnx" | "reference";

/** How ONNX Runtime runs a model, where it does. */
export interface OnnxChoice {
  /**
   * Threads, 1 to 64. More than one need Node or a cross-origin isolated page; elsewhere there is one. Default half of
   * the processor's cores, at most 4.
   */
  readonly threads?: number;
  /** `int8-dynamic`: matrices and activations rounded to 8 bits, for a quarter of the memory. Default `exact`. */
  readonly weights?: "exact" | "int8-dynamic";
}

export interface Choice {
  readonly backend: BackendChoice;
  readonly onnx: OnnxChoice | undefined;
  /** Another WebGPU than this platform's. */
  readonly gpu: GPU | undefined;
  readonly tune: Tune;
}

/** @throws FennecError of the backend; `webgpu-missing`, `invalid-argument`. */
export async function createBackend(input: BackendInput, choice: Choice): Promise<Backend> {
  switch (choice.backend) {
    case "auto":
      return createWebgpuOrOnnx(input, choice);
    case "webgpu":
      return createWebgpu(input, choice);
    case "onnx":
      return createOnnx(input, choice);
    case "reference": {
      const { createReferenceBackend } = await import("./backends/reference/index");
      return createReferenceBackend(input);
    }
    default:
      throw invalid("backend", choice.backend satisfies never, '"auto", "webgpu", "onnx" or "reference"');
  }
}

/** What makes a backend for the same model when the chosen one is lost: only WebGPU's ever are. */
export function replaceBackend(input: BackendInput, choice: Choice): ReplaceBackend {
  // Nobody waits for its progress, and the signal of the load has done its work.
  const again = (signal: AbortSignal): BackendInput => {
    const { onProgress: _, ...options } = input.options;
    return { ...input, options: { ...options, signal } };
  };
  return replacement({
    // With the variants that the lost one had: sequences go on with the same bits.
    webgpu: (signal) => createWebgpu(again(signal), { ...choice, tune: choice.tune === "off" ? "off" : "keep" }),
    ...(choice.backend === "auto" && {
      processor: (reason: string, signal: AbortSignal) => createOnnx(again(signal), choice, reason),
    }),
  });
}

async function createOnnx(input: BackendInput, { onnx }: Choice, reason?: string): Promise<Backend> {
  const { createOnnxBackend } = await import("./backends/onnx/index");
  return createOnnxBackend(input, { ...onnx, ...(reason !== undefined && { reason }) });
}

async function createWebgpu(input: BackendInput, { gpu: own, tune }: Choice): Promise<Backend> {
  const gpu = own ?? (await platformGpu());
  if (!gpu) throw new FennecError("webgpu-missing", missing());
  const { createWebgpuBackend } = await import("./backends/webgpu/index");
  return createWebgpuBackend(input, gpu, { tune });
}

/** Faults of a device, not of a file or a request: the processor may do better. */
const DEVICE_FAULTS: ReadonlySet<ErrorCode> = new Set([
  "webgpu-missing",
  "webgpu-limits",
  "kernel-compile",
  "self-test-failed",
  "backend-unsupported",
]);

async function createWebgpuOrOnnx(input: BackendInput, choice: Choice): Promise<Backend> {
  try {
    return await createWebgpu(input, choice);
  } catch (error) {
    if (!isFennecError(error) || !DEVICE_FAULTS.has(error.code)) throw error;
    try {
      return await createOnnx(input, choice, error.message);
    } catch (second) {
      if (!isFennecError(second) || (second.code !== "backend-unsupported" && second.code !== "out-of-memory"))
        throw second;
      throw new FennecError(error.code, `${error.message} Nor can the processor stand in. ${second.message}`, {
        cause: error,
      });
    }
  }
}
