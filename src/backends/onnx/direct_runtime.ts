// ONNX Runtime on its own heap: tensors are made around memory there, a run takes handles and returns handles, and an
// output may be the very memory that an input is. So keys and values are never copied, and a run costs microseconds.

import { lastError, loadOrtModule, type OrtModule } from "./direct_module";
import { ELEMENT } from "./model_builder";
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

/** Data that the caller owns, in the module's heap. */
const CPU = 1;
const POINTER = 4;

/** @throws As `loadOrtModule`. */
export async function directRuntime(threads: number): Promise<Runtime> {
  const heap = new Heap(await loadOrtModule(threads));
  return {
    version: RUNTIME_VERSION,
    threads,
    inPlace: true,
    get heapBytes() {
      return heap.module.HEAPU8.byteLength;
    },
    createTensor: (dims) => heap.createTensor(dims),
    createSession: (model, files) => createSession(heap, model, files),
    release: () => undefined,
  };
}

/** A tensor whose handle runs take. */
class DirectTensor implements HeldTensor {
  readonly dims: readonly number[];
  readonly handle: number;
  readonly #heap: Heap;
  readonly #pointer: number;
  readonly #owned: boolean;

  constructor(heap: Heap, dims: readonly number[], handle: number, pointer: number, owned: boolean) {
    this.#heap = heap;
    this.dims = dims;
    this.handle = handle;
    this.#pointer = pointer;
    this.#owned = owned;
  }

  get view(): Float32Array {
    return new Float32Array(this.#heap.module.HEAPU8.buffer, this.#pointer, elementsOf(this.dims));
  }

  release(): void {
    this.#heap.module._OrtReleaseTensor(this.handle);
    if (this.#owned) this.#heap.module._free(this.#pointer);
  }
}

/** Memory of the module. */
class Heap {
  readonly module: OrtModule;

  constructor(module: OrtModule) {
    this.module = module;
  }

  /** @throws FennecError `out-of-memory`. */
  allocate(bytes: number): number {
    // A pointer has 32 bits: a larger number would be cut down to one that fits.
    const pointer = bytes < 2 ** 32 ? this.module._malloc(Math.max(bytes, 16)) : 0;
    if (pointer === 0) throw runtimeError("failed", `failed to allocate ${bytes} bytes`, "device-lost");
    return pointer;
  }

  text(text: string): number {
    const bytes = this.module.lengthBytesUTF8(text) + 1;
    const pointer = this.allocate(bytes);
    this.module.stringToUTF8(text, pointer, bytes);
    return pointer;
  }

  /** The module's memory may have grown, so views are made anew. */
  words(pointer: number, count: number): Uint32Array {
    return new Uint32Array(this.module.HEAPU8.buffer, pointer, count);
  }

  createTensor(dims: readonly number[]): DirectTensor {
    const bytes = 4 * elementsOf(dims);
    const pointer = this.allocate(bytes);
    this.module.HEAPU8.fill(0, pointer, pointer + bytes);
    return new DirectTensor(this, dims, this.handle(ELEMENT.float32, pointer, bytes, dims), pointer, true);
  }

  handle(type: number, pointer: number, bytes: number, dims: readonly number[]): number {
    const { module } = this;
    const stack = module.stackSave();
    const at = module.stackAlloc(Math.max(1, dims.length) * POINTER);
    this.words(at, dims.length).set(dims);
    const handle = module._OrtCreateTensor(type, pointer, bytes, at, dims.length, CPU);
    module.stackRestore(stack);
    if (handle === 0) throw runtimeError("could not make a tensor", lastError(module), "device-lost");
    return handle;
  }

  /** An output of a run. */
  output(handle: number): DirectTensor {
    const { module } = this;
    const stack = module.stackSave();
    const at = module.stackAlloc(4 * POINTER);
    const code = module._OrtGetTensorData(handle, at, at + POINTER, at + 2 * POINTER, at + 3 * POINTER);
    const [, pointer, dimsAt, rank] = this.words(at, 4) as unknown as [number, number, number, number];
    module.stackRestore(stack);
    if (code !== 0) throw runtimeError("gave no data", lastError(module), "device-lost");
    const dims = [...this.words(dimsAt, rank)];
    module._OrtFree(dimsAt);
    return new DirectTensor(this, dims, handle, pointer, false);
  }
}

/** Room for the host's values of one run, kept and grown. */
class Scratch {
  readonly #heap: Heap;
  #pointer = 0;
  #bytes = 0;
  #used = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  reset(bytes: number): void {
    this.#used = 0;
    if (bytes <= this.#bytes) return;
    this.release();
    this.#pointer = this.#heap.allocate(2 * bytes);
    this.#bytes = 2 * bytes;
  }

  put(data: ArrayBufferView): number {
    const pointer = this.#pointer + this.#used;
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    this.#heap.module.HEAPU8.set(bytes, pointer);
    this.#used += aligned(data.byteLength);
    return pointer;
  }

  release(): void {
    if (this.#pointer !== 0) this.#heap.module._free(this.#pointer);
    this.#pointer = 0;
    this.#bytes = 0;
  }
}

const aligned = (bytes: number): number => Math.ceil(bytes / 64) * 64;

async function createSession(heap: Heap, model: Uint8Array, files: ExternalFiles): Promise<RuntimeSession> {
  try {
    return new DirectSession(heap, await loadSession(heap, model, files));
  } catch (error) {
    throw runtimeError("could not load the model", error, "backend-unsupported");
  }
}

async function loadSession(heap: Heap, model: Uint8Array, files: ExternalFiles): Promise<number> {
  const { module } = heap;
  // All optimizations, no arena (its blocks would be kept for the longest prompt), sequential, no profile, errors only.
  const options = module._OrtCreateSessionOptions(99, false, false, 0, false, 0, 0, 3, 0, 0);
  if (options === 0) throw new Error(lastError(module));
  const pointer = heap.allocate(model.length);
  try {
    module.HEAPU8.set(model, pointer);
    for (const { path, data } of files) module.mountExternalData(path, data);
    const session = await module._OrtCreateSession(pointer, model.length, options);
    if (session === 0) throw new Error(lastError(module));
    return session;
  } finally {
    module.unmountExternalData();
    module._free(pointer);
    module._OrtReleaseSessionOptions(options);
  }
}

class DirectSession implements RuntimeSession {
  readonly outputNames: readonly string[];
  readonly #heap: Heap;
  readonly #session: number;
  readonly #inputNames: readonly string[];
  readonly #scratch: Scratch;
  /** Arrays of pointers, in the heap: names of inputs and outputs, then handles of inputs and outputs. */
  readonly #names: number;
  readonly #handles: number;
  readonly #texts: readonly number[];

  constructor(heap: Heap, session: number) {
    this.#heap = heap;
    this.#session = session;
    this.#scratch = new Scratch(heap);
    const { inputs, outputs } = bordersOf(heap, session);
    this.#inputNames = inputs;
    this.outputNames = outputs;
    const count = inputs.length + outputs.length;
    this.#names = heap.allocate(count * POINTER);
    this.#handles = heap.allocate(count * POINTER);
    this.#texts = [...inputs, ...outputs].map((name) => heap.text(name));
    heap.words(this.#names, count).set(this.#texts);
  }

  async run(feeds: Readonly<Record<string, Feed>>, inPlace: Readonly<Record<string, HeldTensor>> = {}) {
    const { module } = this.#heap;
    const inputs = this.#inputNames;
    const host = this.#hostHandles(feeds);
    const handles = this.#heap.words(this.#handles, inputs.length + this.outputNames.length);
    inputs.forEach((name, i) => {
      const feed = feeds[name]!;
      handles[i] = isHeld(feed) ? (feed as DirectTensor).handle : host.get(name)!;
    });
    this.outputNames.forEach((name, i) => {
      handles[inputs.length + i] = (inPlace[name] as DirectTensor | undefined)?.handle ?? 0;
    });
    const first = inputs.length * POINTER;
    let code: number;
    try {
      const result = module._OrtRun(
        this.#session,
        this.#names,
        this.#handles,
        inputs.length,
        this.#names + first,
        this.outputNames.length,
        this.#handles + first,
        0,
      );
      code = typeof result === "number" ? result : await result;
    } catch (error) {
      throw runtimeError("failed", error, "device-lost");
    } finally {
      for (const handle of host.values()) module._OrtReleaseTensor(handle);
    }
    if (code !== 0) throw runtimeError("failed", lastError(module), "device-lost");
    const made = this.#heap.words(this.#handles + first, this.outputNames.length).slice();
    const outputs = new Map<string, HeldTensor>();
    this.outputNames.forEach((name, i) => {
      if (!inPlace[name]) outputs.set(name, this.#heap.output(made[i]!));
    });
    return outputs;
  }

  /** Handles of those feeds that come from the host, whose values are copied in. */
  #hostHandles(feeds: Readonly<Record<string, Feed>>): Map<string, number> {
    const host = this.#inputNames.flatMap((name) => {
      const feed = feeds[name]!;
      return isHeld(feed) ? [] : [{ name, feed }];
    });
    this.#scratch.reset(host.reduce((sum, { feed }) => sum + aligned(feed.data.byteLength), 0));
    return new Map(
      host.map(({ name, feed: { type, data, dims } }) => {
        const pointer = this.#scratch.put(data);
        return [name, this.#heap.handle(ELEMENT[type], pointer, data.byteLength, dims)];
      }),
    );
  }

  async release(): Promise<void> {
    const { module } = this.#heap;
    module._OrtReleaseSession(this.#session);
    this.#scratch.release();
    for (const pointer of [this.#names, this.#handles, ...this.#texts]) module._free(pointer);
  }
}

function bordersOf(heap: Heap, session: number): { readonly inputs: string[]; readonly outputs: string[] } {
  const { module } = heap;
  const stack = module.stackSave();
  const at = module.stackAlloc(2 * POINTER);
  if (module._OrtGetInputOutputCount(session, at, at + POINTER) !== 0) throw new Error(lastError(module));
  const [inputs, outputs] = heap.words(at, 2) as unknown as [number, number];
  const names = Array.from({ length: inputs + outputs }, (_, index) => {
    if (module._OrtGetInputOutputMetadata(session, index, at, at + POINTER) !== 0) throw new Error(lastError(module));
    const [name, metadata] = heap.words(at, 2) as unknown as [number, number];
    const text = module.UTF8ToString(name);
    module._OrtFree(name);
    module._OrtFree(metadata);
    return text;
  });
  module.stackRestore(stack);
  return { inputs: names.slice(0, inputs), outputs: names.slice(inputs) };
}
