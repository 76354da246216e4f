// ONNX Runtime Web, imported when a model is loaded on it. Everything that knows its JavaScript interface is here.

import type { InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { FennecError } from "../../errors";

/** What the lowering was tested with. Other versions are refused: operators outside ONNX change without notice. */
export const RUNTIME_VERSION = "1.30.0";

type Ort = typeof import("onnxruntime-web/wasm");

export type HostTensor =
  | { readonly type: "float32"; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: "int32"; readonly data: Int32Array; readonly dims: readonly number[] }
  | { readonly type: "int64"; readonly data: BigInt64Array; readonly dims: readonly number[] };

export type HostTensors = Readonly<Record<string, HostTensor>>;

/** An ONNX model in the wasm heap. */
export interface RuntimeSession {
  /** @returns The outputs as f32, by name. */
  run(inputs: HostTensors): Promise<Map<string, Float32Array>>;
  release(): Promise<void>;
}

export interface Runtime {
  readonly version: string;
  /** Of the machine; more than one only where a page is cross-origin isolated. */
  readonly threads: number;
  /** @param files Bytes of the external tensors, each under its own path. They are copied; let go of them afterwards. */
  createSession(
    model: Uint8Array,
    files: readonly { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[],
  ): Promise<RuntimeSession>;
}

let loading: Promise<Ort> | undefined;

/** @throws FennecError `backend-unsupported` when the package is not installed, has another version, or cannot start. */
export async function loadRuntime(): Promise<Runtime> {
  loading ??= importRuntime();
  let ort: Ort;
  try {
    ort = await loading;
  } catch (error) {
    loading = undefined; // an installed package may be found next time
    throw error;
  }
  const { env } = ort;
  return {
    version: env.versions.web ?? RUNTIME_VERSION,
    get threads() {
      return env.wasm.numThreads ?? 1;
    },
    createSession: (model, files) => createSession(ort, model, files),
  };
}

async function importRuntime(): Promise<Ort> {
  let ort: Ort;
  try {
    ort = await import("onnxruntime-web/wasm");
  } catch (cause) {
    throw new FennecError(
      "backend-unsupported",
      `The onnx backend needs the package "onnxruntime-web" ${RUNTIME_VERSION}, which could not be imported. ` +
        `Install it beside this one: npm install onnxruntime-web@${RUNTIME_VERSION}.`,
      { cause },
    );
  }
  const version = ort.env.versions.web;
  if (version !== RUNTIME_VERSION)
    throw new FennecError(
      "backend-unsupported",
      `The onnx backend is made for onnxruntime-web ${RUNTIME_VERSION}; ${version} is installed. ` +
        `Install that version: npm install onnxruntime-web@${RUNTIME_VERSION}.`,
    );
  ort.env.logLevel = "error";
  // Its threads would keep a Node process alive after the work is done.
  if (typeof process !== "undefined" && process.versions?.node) ort.env.wasm.numThreads = 1;
  return ort;
}

async function createSession(
  ort: Ort,
  model: Uint8Array,
  files: readonly { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[],
): Promise<RuntimeSession> {
  let session: InferenceSession;
  try {
    session = await ort.InferenceSession.create(model, {
      executionProviders: ["wasm"],
      externalData: [...files],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw runtimeError("could not load the model", error, "backend-unsupported");
  }
  return {
    async run(inputs) {
      const feeds: Record<string, Tensor> = {};
      for (const name of session.inputNames) feeds[name] = tensorOf(ort, inputs[name]!);
      const outputs = await session.run(feeds).catch((error: unknown) => {
        throw runtimeError("failed", error, "device-lost");
      });
      return new Map(Object.entries(outputs).map(([name, tensor]) => [name, tensor.data as Float32Array]));
    },
    release: () => session.release(),
  };
}

function tensorOf(ort: Ort, tensor: HostTensor): Tensor {
  switch (tensor.type) {
    case "float32":
      return new ort.Tensor("float32", tensor.data, tensor.dims);
    case "int32":
      return new ort.Tensor("int32", tensor.data, tensor.dims);
    case "int64":
      return new ort.Tensor("int64", tensor.data, tensor.dims);
  }
}

function runtimeError(what: string, cause: unknown, code: "backend-unsupported" | "device-lost"): FennecError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (
    /bad_alloc|out of memory|memory access|failed to allocate|Array buffer allocation/i.test(message) ||
    /^\d+$/.test(message)
  )
    return new FennecError(
      "out-of-memory",
      `ONNX Runtime ${what} for lack of memory (${message}). Use a smaller model, a shorter context, or WebGPU.`,
      { cause },
    );
  return new FennecError(code, `ONNX Runtime ${what}: ${message}`, { cause });
}
