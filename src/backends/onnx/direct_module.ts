// The wasm module of ONNX Runtime Web without the JavaScript around it: the package exports its Emscripten glue, whose
// functions are ONNX Runtime's own (onnxruntime, onnxruntime/wasm/api.h). They are no documented interface, so the version
// is exact, and whatever is missing makes the public interface stand in.

import { importOrt } from "./public_runtime";

/** Pointers and handles are numbers; functions that return an error code return 0 for none. */
export interface OrtModule {
  readonly HEAPU8: Uint8Array<ArrayBufferLike>;
  readonly PTR_SIZE: number;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  stackSave(): number;
  stackAlloc(bytes: number): number;
  stackRestore(stack: number): void;
  UTF8ToString(pointer: number): string;
  stringToUTF8(text: string, pointer: number, bytes: number): void;
  lengthBytesUTF8(text: string): number;
  mountExternalData(path: string, data: Uint8Array): void;
  unmountExternalData(): void;
  _OrtInit(threads: number, logLevel: number): number;
  _OrtGetLastError(code: number, message: number): number;
  _OrtCreateSessionOptions(
    optimization: number,
    arena: boolean,
    memoryPattern: boolean,
    executionMode: number,
    profiling: boolean,
    profilePrefix: number,
    logId: number,
    logSeverity: number,
    logVerbosity: number,
    optimizedModelPath: number,
  ): number;
  _OrtAddSessionConfigEntry(options: number, key: number, value: number): number;
  _OrtReleaseSessionOptions(options: number): number;
  _OrtCreateSession(model: number, bytes: number, options: number): number | Promise<number>;
  _OrtReleaseSession(session: number): number;
  _OrtGetInputOutputCount(session: number, inputs: number, outputs: number): number;
  _OrtGetInputOutputMetadata(session: number, index: number, name: number, metadata: number): number;
  _OrtFree(pointer: number): number;
  _OrtCreateTensor(type: number, data: number, bytes: number, dims: number, rank: number, location: number): number;
  _OrtGetTensorData(tensor: number, type: number, data: number, dims: number, rank: number): number;
  _OrtReleaseTensor(tensor: number): number;
  _OrtRun(
    session: number,
    inputNames: number,
    inputs: number,
    inputCount: number,
    outputNames: number,
    outputCount: number,
    outputs: number,
    options: number,
  ): number | Promise<number>;
  _OrtEndProfiling(session: number): number;
}

/** What is called, all of it: a module without one of these is another one. */
const FUNCTIONS = [
  "_malloc",
  "_free",
  "stackSave",
  "stackAlloc",
  "stackRestore",
  "UTF8ToString",
  "stringToUTF8",
  "lengthBytesUTF8",
  "mountExternalData",
  "unmountExternalData",
  "_OrtInit",
  "_OrtGetLastError",
  "_OrtCreateSessionOptions",
  "_OrtAddSessionConfigEntry",
  "_OrtReleaseSessionOptions",
  "_OrtCreateSession",
  "_OrtReleaseSession",
  "_OrtGetInputOutputCount",
  "_OrtGetInputOutputMetadata",
  "_OrtFree",
  "_OrtCreateTensor",
  "_OrtGetTensorData",
  "_OrtReleaseTensor",
  "_OrtRun",
] as const satisfies readonly (keyof OrtModule)[];

type Factory = (options: { readonly numThreads: number }) => Promise<OrtModule>;

/** Severity 3: errors. */
const LOG_ERRORS = 3;

/**
 * A module of its own, with a heap of its own.
 *
 * @throws FennecError `backend-unsupported` for another version of the package; anything when the glue cannot start.
 */
export async function loadOrtModule(threads: number): Promise<OrtModule> {
  await importOrt(); // checks the version
  const { default: factory } = (await import("onnxruntime-web/ort-wasm-simd-threaded.mjs")) as { default: Factory };
  const module = await factory({ numThreads: threads });
  const missing = FUNCTIONS.filter((name) => typeof module[name] !== "function");
  if (missing.length > 0 || module.PTR_SIZE !== 4 || !(module.HEAPU8 instanceof Uint8Array))
    throw new Error(`the module of ONNX Runtime has no ${missing.join(", ") || "heap of 32-bit pointers"}`);
  if (module._OrtInit(threads, LOG_ERRORS) !== 0) throw new Error(lastError(module));
  return module;
}

export function lastError(module: OrtModule): string {
  const stack = module.stackSave();
  const at = module.stackAlloc(8);
  module._OrtGetLastError(at, at + 4);
  const pointer = new Uint32Array(module.HEAPU8.buffer, at + 4, 1)[0]!;
  const message = pointer === 0 ? "no message" : module.UTF8ToString(pointer);
  module.stackRestore(stack);
  return message;
}
