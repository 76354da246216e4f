// From a model file to an engine: open, record, choose a backend, load weights. Backends are imported when chosen.

import { type FennecEngine, withOpenAiSurface } from "./api/surface";
import type { Activations, BackendInput, KvType, LoadProgress, Precision } from "./backends/backend";
import { checkInteger, checkNames, invalid } from "./check";
import { type BackendChoice, createBackend, type OnnxChoice, replaceBackend } from "./choose_backend";
import { type BackendChange, Engine } from "./engine/engine";
import { recommendedSampling } from "./engine/sampling";
import { FennecError, isFennecError } from "./errors";
import type { CacheStore } from "./files/cache";
import { openCached } from "./files/cached_source";
import { openSource, remoteUrl } from "./files/open_source";
import type { ByteSource, WeightsFile } from "./files/weights_file";
import type { Quantization } from "./hugging_face/quantize";
import { recordModel } from "./model/record";
import { type ModelSource, openModel } from "./open_model";
import { platformCache } from "./platform";
import { chatTemplateFromMetadata, hasChatTemplate } from "./text/chat_template";
import { specialIds } from "./text/special_ids";
import { lazyTokenizer } from "./text/tokenizer";

export type { BackendChoice, OnnxChoice };

export interface EngineProgress {
  /** `waiting`: another tab is downloading the same file. Then the phases of the backend. */
  readonly phase: LoadProgress["phase"] | "waiting";
  readonly bytesLoaded: number;
  /** 0 while unknown. */
  readonly bytesTotal: number;
}

export interface LoadOptions {
  /**
   * `auto`: WebGPU, or ONNX Runtime on the processor where WebGPU is missing or fails (`engine.backend.reason` says why).
   * `onnx` is exact whatever `precision` and `kv` say. `reference` is plain TypeScript in f64, for tests. Default `auto`.
   */
  readonly backend?: BackendChoice;
  /** What `kv` is by default; all else is f32 either way. `fast`: f16 on every device. `exact`: f32. Default `fast`. */
  readonly precision?: Precision;
  /**
   * How keys and values are stored on WebGPU, whatever `precision` says: f16 takes half the memory of f32, int8 little
   * more than a quarter, at some loss. `onnx` stores f32 and `reference` f64, whatever this says.
   */
  readonly kv?: KvType;
  /**
   * What matrices are multiplied with on WebGPU. `int8` rounds each row to 8 bits per 32 elements, in decoding and in
   * prompts, for weights in Q4_0, Q8_0, Q4_K, Q5_K and Q6_K on devices with packed dot products (`engine.backend.activations`
   * tells): KL under 1e-4 on the trained test models, and faster or slower by the GPU. Prompts are multiplied exactly where
   * that was measured to be faster, and on software adapters. Default f32.
   */
  readonly activations?: Activations;
  /** Longest prompt and reply together, tokens; default 4096 or the model's, whichever is less. */
  readonly context?: number;
  /** Replies that can be made at once, 1 to 64; default 4. Further requests wait. */
  readonly slots?: number;
  /** Tokens that all replies and kept prefixes together may hold; default `context`. Decides the memory for KV. */
  readonly kvTokens?: number;
  readonly onProgress?: (progress: EngineProgress) => void;
  /**
   * A lost GPU is replaced: the model is loaded again from where it came, and replies go on. With `auto` the processor
   * stands in when the GPU cannot be had again, or is lost twice within a minute.
   */
  readonly onBackendChange?: (change: BackendChange) => void;
  readonly signal?: AbortSignal;
  /** Where downloads are kept; false keeps none. Default: OPFS, the Cache API, or a folder in Node. */
  readonly cache?: CacheStore | false;
  /** Another WebGPU than this platform's. */
  readonly gpu?: GPU;
  /**
   * `auto`: at the first loads on a device the fastest kernel variants are found out by measuring, in at most 300 ms a load,
   * and kept; not on software adapters. `off`: never. `force`: again. Default `auto`; `FENNEC_TUNE` goes before it.
   */
  readonly tune?: "auto" | "off" | "force";
  /** Where ONNX Runtime runs the model: threads, and whether weights stay exact. */
  readonly onnx?: OnnxChoice;
  /** Quantize float matrices of a Hugging Face folder while they load; absent: kept at their own bits. */
  readonly quantize?: Quantization;
}

const DEFAULT_CONTEXT = 4096;
const DEFAULT_SLOTS = 4;
const MOST_SLOTS = 64;
const MOST_THREADS = 64;

/**
 * Loads a model.
 *
 * @param source A GGUF file (File, Blob, bytes, http(s) URL, `hf:owner/repo/file.gguf`, in Node a path) or the first
 *   part of a split one; a Hugging Face folder (`hf:owner/repo`, a URL that ends in a slash, the files that a user chose,
 *   a directory handle, in Node a path). URLs and `hf:` names are kept, so that the next load needs no network.
 * @throws FennecError: of the source `source-unreadable`, `source-changed`, `quota-exceeded`; of the file
 *   `file-truncated`, `file-corrupt`, `file-unsupported`, `tensor-*`, `metadata-*`; of the device `webgpu-missing`,
 *   `webgpu-limits`, `kernel-compile`, `self-test-failed`, `out-of-memory`, `device-lost`; `backend-unsupported`,
 *   `invalid-argument`, `aborted`. Nothing is left open or allocated then.
 *
 * @example
 * const engine = await load("hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf", { onProgress: console.log });
 */
export async function load(source: ModelSource, options: LoadOptions = {}): Promise<FennecEngine> {
  checkOptions(options);
  const { signal } = options;
  try {
    signal?.throwIfAborted();
    options.onProgress?.({ phase: "header", bytesLoaded: 0, bytesTotal: 0 });
    const file = await openModel(source, {
      signal,
      quantize: options.quantize,
      openNamed: (name) => open(name, options),
    });
    try {
      return await loadFile(file, options);
    } catch (error) {
      file.dispose();
      throw error;
    }
  } catch (error) {
    if (!signal?.aborted || (isFennecError(error) && error.code === "aborted")) throw error;
    throw new FennecError("aborted", "load: the request was aborted", { cause: error });
  }
}

/** Loads an opened file. The engine owns it from then on; when this fails it is still the caller's. */
export async function loadFile(file: WeightsFile, options: LoadOptions = {}): Promise<FennecEngine> {
  checkOptions(options);
  const { model, config, graph } = recordModel(file);
  const { precision = "fast", slots = DEFAULT_SLOTS, signal, onProgress } = options;
  const context = Math.min(options.context ?? DEFAULT_CONTEXT, config.context);
  const input: BackendInput = {
    graph,
    file,
    vocab: config.vocab,
    options: {
      precision,
      kv: options.kv ?? (precision === "fast" ? "f16" : "f32"),
      ...(options.activations && { activations: options.activations }),
      context,
      kvTokens: Math.max(options.kvTokens ?? context, context),
      slots,
      ...(signal && { signal }),
      // `ready` is told below, when the engine is.
      ...(onProgress && { onProgress: (progress) => progress.phase !== "ready" && onProgress(progress) }),
    },
  };
  const choice = {
    backend: options.backend ?? "auto",
    gpu: options.gpu,
    tune: options.tune ?? "auto",
    onnx: options.onnx,
  } as const;
  const backend = await createBackend(input, choice);
  if (signal?.aborted) {
    backend.dispose();
    signal.throwIfAborted();
  }
  const engine = new Engine({
    backend,
    model: {
      name: modelName(file),
      architecture: model.architecture,
      vocab: config.vocab,
      hasChatTemplate: hasChatTemplate(file.metadata),
    },
    tokenizer: lazyTokenizer(file.metadata),
    template: once(() => chatTemplateFromMetadata(file.metadata)),
    stopIds: stopIds(file),
    sampling: recommendedSampling(file.metadata),
    replace: replaceBackend(input, choice),
    onBackendChange: options.onBackendChange,
    onDispose: () => file.dispose(),
  });
  onProgress?.({ phase: "ready", bytesLoaded: file.bytes, bytesTotal: file.bytes });
  return withOpenAiSurface(engine);
}

/** Remote files go through the cache where there is one. */
async function open(source: string | URL, { cache, signal, onProgress }: LoadOptions): Promise<ByteSource> {
  const http = signal ? { signal } : {};
  const url = remoteUrl(source);
  const store = url && cache !== false ? (cache ?? (await platformCache())) : undefined;
  if (!url || !store) return openSource(source, http);
  // The name, not its URL: the hub is asked for the hash of an `hf:` name.
  const named = String(source).startsWith("hf:") ? String(source) : url;
  const opened = await openCached(named, {
    ...http,
    cache: store,
    onProgress: ({ phase, loadedBytes, totalBytes = 0 }) => {
      if (phase === "waiting") onProgress?.({ phase, bytesLoaded: loadedBytes, bytesTotal: totalBytes });
    },
  });
  opened.done.catch(() => undefined); // whoever reads the missing bytes gets the error
  return opened;
}

const LOAD_OPTIONS = Object.keys({
  backend: true,
  precision: true,
  kv: true,
  activations: true,
  context: true,
  slots: true,
  kvTokens: true,
  onProgress: true,
  onBackendChange: true,
  signal: true,
  cache: true,
  gpu: true,
  onnx: true,
  quantize: true,
  tune: true,
} satisfies Record<keyof LoadOptions, true>);

function checkOptions(options: LoadOptions): void {
  checkNames("options", options, LOAD_OPTIONS);
  const { backend, precision, kv, activations, context, slots, kvTokens, quantize, tune } = options;
  const oneOf = (field: string, value: string | undefined, allowed: readonly string[]) => {
    if (value !== undefined && !allowed.includes(value)) throw invalid(field, value, allowed.join(", "));
  };
  oneOf("backend", backend, ["auto", "webgpu", "onnx", "reference"]);
  oneOf("precision", precision, ["fast", "exact"]);
  oneOf("kv", kv, ["f32", "f16", "int8"]);
  oneOf("activations", activations, ["f32", "int8"]);
  oneOf("tune", tune, ["auto", "off", "force"]);
  oneOf("quantize", quantize, ["q8_0", "q4_0"]);
  if (options.onnx !== undefined) {
    checkNames("onnx", options.onnx, ["threads", "weights"]);
    const { threads, weights } = options.onnx;
    if (threads !== undefined) checkInteger("onnx.threads", threads, 1, MOST_THREADS);
    oneOf("onnx.weights", weights, ["exact", "int8-dynamic"]);
  }
  if (context !== undefined) checkInteger("context", context, 1);
  if (slots !== undefined) checkInteger("slots", slots, 1, MOST_SLOTS);
  if (kvTokens !== undefined) checkInteger("kvTokens", kvTokens, 1);
}

/** Also for a file whose tokenizer cannot be used: its replies have to end somewhere too. */
function stopIds(file: WeightsFile): ReadonlySet<number> {
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  const texts = Array.isArray(tokens) ? tokens.map((token) => (typeof token === "string" ? token : "")) : [];
  return specialIds(file.metadata, texts).stopIds;
}

/** The file's name without folders, query and extension. */
function modelName(file: WeightsFile): string {
  const last = file.name
    .replace(/[?#].*$/, "")
    .split(/[/\\]/)
    .at(-1);
  return last?.replace(/\.gguf$/i, "") || "model";
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
