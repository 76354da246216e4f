// ONNX Runtime Web by its documented interface: inputs and outputs are copied at each run.

import type { InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { FennecError } from "../../errors";
import {
  type ExternalFiles,
  elementsOf,
  type Feed,
  type HeldTensor,
  isHeld,
  RUNTIME_VERSION,
  type Runtime,
  type RuntimeSession,
  runtimeError,
} from "./runtime";

export type Ort = typeof import("onnxruntime-web/wasm");

let loading: Promise<Ort> | undefined;

/** @throws FennecError `backend-unsupported` when the package is not installed or has another version. */
export async function importOrt(): Promise<Ort> {
  loading ??= importChecked();
  try {
    return await loading;
  } catch (error) {
    loading = undefined; // an installed package may be found next time
    throw error;
  }
}

async function importChecked(): Promise<Ort> {
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
  return ort;
}

/** @param threads Taken at the first call of a process; later ones share its memory and threads. */
export async function publicRuntime(threads: number): Promise<Runtime> {
  const ort = await importOrt();
  ort.env.wasm.numThreads = threads;
  return {
    version: RUNTIME_VERSION,
    get threads() {
      return ort.env.wasm.numThreads ?? 1;
    },
    inPlace: false,
    heapBytes: 0,
    createTensor: (dims) => ({ dims, view: new Float32Array(elementsOf(dims)), release: () => undefined }),
    createSession: (model, files) => createSession(ort, model, files),
    release: () => undefined,
  };
}

async function createSession(ort: Ort, model: Uint8Array, files: ExternalFiles): Promise<RuntimeSession> {
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
    outputNames: session.outputNames,
    async run(feeds) {
      const tensors: Record<string, Tensor> = {};
      for (const name of session.inputNames) tensors[name] = tensorOf(ort, feeds[name]!);
      const outputs = await session.run(tensors).catch((error: unknown) => {
        throw runtimeError("failed", error, "device-lost");
      });
      return new Map(Object.entries(outputs).map(([name, tensor]) => [name, heldOf(tensor)]));
    },
    release: () => session.release(),
  };
}

function heldOf(tensor: Tensor): HeldTensor {
  return { dims: tensor.dims, view: tensor.data as Float32Array, release: () => undefined };
}

function tensorOf(ort: Ort, feed: Feed): Tensor {
  if (isHeld(feed)) return new ort.Tensor("float32", feed.view, feed.dims);
  switch (feed.type) {
    case "float32":
      return new ort.Tensor("float32", feed.data, feed.dims);
    case "int32":
      return new ort.Tensor("int32", feed.data, feed.dims);
    case "int64":
      return new ort.Tensor("int64", feed.data, feed.dims);
  }
}
