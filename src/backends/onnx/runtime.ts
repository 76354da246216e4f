// ONNX Runtime Web, as this backend uses it: sessions, and tensors that stay in its memory. Two implementations: direct
// (direct_runtime.ts), which reads and writes keys and values where they lie, and public (public_runtime.ts), the
// documented interface, which copies; it stands in where the direct one cannot start, and checks it in tests.

import { FennecError } from "../../errors";

/** What the lowering was tested with. Other versions are refused: operators outside ONNX change without notice. */
export const RUNTIME_VERSION = "1.30.0";

/** Values for one run; read before it returns. */
export type HostTensor =
  | { readonly type: "float32"; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: "int32"; readonly data: Int32Array; readonly dims: readonly number[] }
  | { readonly type: "int64"; readonly data: BigInt64Array; readonly dims: readonly number[] };

/** f32 values that the runtime keeps: made by {@link Runtime.createTensor}, or the output of a run. */
export interface HeldTensor {
  readonly dims: readonly number[];
  /** The values, not a copy. Take it anew after each run: the runtime's memory may have moved. */
  readonly view: Float32Array;
  release(): void;
}

export type Feed = HostTensor | HeldTensor;
export type Feeds = Readonly<Record<string, Feed>>;

/** An ONNX model in the wasm heap. */
export interface RuntimeSession {
  readonly outputNames: readonly string[];
  /**
   * @param feeds By name, at least those that the model reads.
   * @param inPlace Outputs that are written into a held tensor, which may be an input too. Only where
   *   {@link Runtime.inPlace}.
   * @returns The other outputs, by name.
   * @throws FennecError `out-of-memory`, `device-lost`.
   */
  run(feeds: Feeds, inPlace?: Readonly<Record<string, HeldTensor>>): Promise<Map<string, HeldTensor>>;
  release(): Promise<void>;
}

/** Bytes of the external tensors, each under its own path. */
export type ExternalFiles = readonly { readonly path: string; readonly data: Uint8Array<ArrayBuffer> }[];

export interface Runtime {
  readonly version: string;
  readonly threads: number;
  /** Whether runs write into held tensors, so that nothing is copied. */
  readonly inPlace: boolean;
  /** Bytes of the wasm heap, which never shrinks; 0 where the interface does not tell. */
  readonly heapBytes: number;
  /** Zeros. @throws FennecError `out-of-memory`. */
  createTensor(dims: readonly number[]): HeldTensor;
  /** @param files They are copied; let go of them afterwards. @throws FennecError `backend-unsupported`, `out-of-memory`. */
  createSession(model: Uint8Array, files: ExternalFiles): Promise<RuntimeSession>;
  /** Lets go of the runtime when its last user did; its sessions and tensors must be released before. */
  release(): void;
}

export function isHeld(feed: Feed): feed is HeldTensor {
  return "view" in feed;
}

export function elementsOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

export function runtimeError(what: string, cause: unknown, code: "backend-unsupported" | "device-lost"): FennecError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (
    /bad_alloc|out of memory|memory access|failed to allocate|Array buffer allocation|Aborted\(OOM/i.test(message) ||
    /^\d+$/.test(message)
  )
    return new FennecError(
      "out-of-memory",
      `ONNX Runtime ${what} for lack of memory (${message}). Use a smaller model, a shorter context, or WebGPU.`,
      { cause },
    );
  return new FennecError(code, `ONNX Runtime ${what}: ${message}`, { cause });
}
