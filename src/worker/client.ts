// The page's side: an engine's surface whose work is done in a worker.

import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatParams,
  Completion,
  CompletionChunk,
  CompletionParams,
  Create,
  MaybeStream,
  OpenAiSurface,
  RequestOptions,
} from "../api/types";
import type { BackendInfo, ChatMessage, GenerateOptions, ModelInfo } from "../engine/engine";
import type { GeneratedToken, Generation, GenerationResult } from "../engine/generation";
import type { SamplingDefaults } from "../engine/sampling";
import { watchVisibility } from "../engine/visibility";
import { FennecError } from "../errors";
import type { Probe } from "../probe";
import { Connection } from "./connection";
import type { Port } from "./endpoint";
import type { Call, EngineInfo, RemoteLoadOptions, RemoteSource } from "./messages";

/** An engine in a worker. What is pending when the worker dies rejects with code `worker-failed`. */
export interface RemoteEngine extends OpenAiSurface {
  /**
   * Loads a model in the worker, in place of the one that is there.
   * @throws FennecError as `load`, and `worker-failed`.
   */
  load(source: RemoteSource | URL, options?: RemoteLoadOptions): Promise<EngineInfo>;
  /** Frees the model and its memory; another can be loaded afterwards. */
  unload(): Promise<void>;
  /** What the worker's device offers. */
  probe(): Promise<Probe>;
  /** As of loading, or of the last change of the backend. @throws FennecError `invalid-argument` before that. */
  readonly model: ModelInfo;
  readonly context: number;
  readonly samplingDefaults: SamplingDefaults;
  /** Counters stand still: they are a copy. */
  readonly backend: BackendInfo;
  countTokens(prompt: string | readonly ChatMessage[]): Promise<number>;
  /** As of an engine; errors of the call itself arrive by the iteration and by `result`. */
  generate(prompt: string | readonly number[], options?: GenerateOptions): Omit<Generation, "run">;
  /** Resolves when the worker or its device is gone; not for a dispose. Never rejects. */
  readonly lost: Promise<FennecError>;
  /** Unloads, ends what is pending with code `disposed`. The worker itself is the caller's to end. */
  dispose(): void;
}

/**
 * Connects to a worker that calls `serve`.
 *
 * @param worker A `Worker` (also Node's), or a MessagePort to one.
 *
 * @example
 * const engine = connect(new Worker(new URL("./engine_worker.js", import.meta.url), { type: "module" }));
 * await engine.load(file, { onProgress });
 * const stream = await engine.chat.completions.create({ messages, stream: true });
 */
export function connect(worker: Port): RemoteEngine {
  let info: EngineInfo | undefined;
  let listener: RemoteLoadOptions["onBackendChange"];
  const connection = new Connection(worker, ({ change, context }) => {
    if (!info) return; // of a model that is not there any more
    info = { ...info, context, backend: change.backend };
    listener?.(change);
  });
  const unwatch = watchVisibility((hidden) => connection.tellHidden(hidden));
  const loaded = (): EngineInfo => {
    if (info) return info;
    throw new FennecError("invalid-argument", "no model is loaded; call load first and wait for it");
  };

  return {
    async load(source, { onProgress, onBackendChange, signal, ...options } = {}) {
      info = undefined;
      listener = onBackendChange;
      const call: Call = { method: "load", source: postable(source), options };
      info = await connection.call<EngineInfo>(call, { signal, onProgress });
      return info;
    },
    async unload() {
      info = undefined;
      await connection.call({ method: "unload" });
    },
    probe: () => connection.call<Probe>({ method: "probe" }),
    countTokens: (prompt) => connection.call<number>({ method: "countTokens", prompt }),
    generate(prompt, { signal, ...options } = {}) {
      const stream = connection.stream<GeneratedToken>({ method: "generate", prompt, options }, signal);
      const result = stream.value as Promise<GenerationResult>;
      result.then(stream.drain, () => undefined); // nothing grows any more: the worker need not hold on to the rest
      return { result, [Symbol.asyncIterator]: () => stream.items[Symbol.asyncIterator]() };
    },
    chat: {
      completions: {
        create: creator<ChatParams, ChatCompletion, ChatCompletionChunk>(connection, (params) => ({
          method: "chat",
          params,
        })),
      },
    },
    completions: {
      create: creator<CompletionParams, Completion, CompletionChunk>(connection, (params) => ({
        method: "completions",
        params,
      })),
    },
    get model() {
      return loaded().model;
    },
    get context() {
      return loaded().context;
    },
    get samplingDefaults() {
      return loaded().samplingDefaults;
    },
    get backend() {
      return loaded().backend;
    },
    lost: connection.lost,
    dispose() {
      unwatch();
      connection.dispose();
    },
  };
}

function creator<Params, Reply, Chunk>(
  connection: Connection,
  callOf: (params: Params) => Call,
): Create<Params, Reply, Chunk> {
  async function create(params: Params & MaybeStream, { signal }: RequestOptions = {}) {
    const call = callOf(params);
    if (!params.stream) return connection.call<Reply>(call, { signal: signal ?? undefined });
    const controller = new AbortController();
    const follow = () => controller.abort(signal?.reason);
    if (signal?.aborted) follow();
    else signal?.addEventListener("abort", follow, { signal: controller.signal });
    const stream = connection.stream<Chunk>(call, controller.signal);
    await stream.value; // it has begun, or was refused
    return { controller, [Symbol.asyncIterator]: () => stream.items[Symbol.asyncIterator]() };
  }
  return create as Create<Params, Reply, Chunk>;
}

/** URLs cannot be posted, and what is relative is so to the page. */
function postable(source: RemoteSource | URL): RemoteSource {
  if (source instanceof URL) return source.href;
  const page = typeof document === "undefined" ? undefined : document.baseURI;
  const relative = typeof source === "string" && page && !/^[a-z][a-z0-9+.-]*:/i.test(source);
  return relative ? new URL(source, page).href : source;
}
