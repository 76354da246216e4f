// The page's models: where they come from, which are kept in this browser, and an open one, which is an engine in a worker
// of its own. Closing a model ends its worker, and with it all its memory.

import { type ChatParams, deleteCachedFile, FennecError, listCachedFiles, type Timings } from "@fennec/engine";
import { connect, type RemoteEngine } from "@fennec/engine/worker";
import type { DeviceChange, KeptModel, LoadedModel, Loading, ReplyStats } from "./chat_state";
import { isKeptFile, keepFile, listKeptFiles, openKeptFile, removeKeptFile } from "./kept_files";

export type ModelSource =
  | { readonly kind: "builtin" }
  | { readonly kind: "kept"; readonly model: KeptModel }
  /** `keep`: copy it into the browser once it has loaded. */
  | { readonly kind: "file"; readonly file: File; readonly keep: boolean }
  /** http(s), relative to the page, or an `hf:` name. */
  | { readonly kind: "url"; readonly url: string };

export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Omit<Loading, "name" | "bytesPerSecond">) => void;
  /** The GPU was taken away, and what came of it. */
  readonly onDevice: (device: DeviceChange, description: LoadedModel) => void;
}

/** What comes of a reply: pieces of text, and how it went with the last one. */
export interface ReplyPiece {
  readonly text: string;
  readonly stats?: ReplyStats;
}

export interface OpenModel {
  readonly description: LoadedModel;
  /** The kept model that this is, when it is kept; known once a copy is made. @throws FennecError `quota-exceeded`. */
  readonly kept: Promise<KeptModel | undefined>;
  /** Resolves when the worker or its GPU is gone. */
  readonly lost: Promise<FennecError>;
  reply(request: ChatParams, signal: AbortSignal): AsyncIterable<ReplyPiece>;
  close(): void;
}

/** Written in by the build: the model beside the page, when there is one. */
declare const __BUILTIN_MODEL__: { readonly file: string; readonly bytes: number } | null;

export const builtinModel = __BUILTIN_MODEL__;

/**
 * Asks, in a worker, what models can run on here.
 * @returns Why it is the processor and not the GPU; undefined for the GPU.
 * @throws FennecError `webgpu-missing` where this browser cannot run models at all.
 */
export async function checkDevice(): Promise<string | undefined> {
  const { engine, close } = startEngine();
  try {
    const { backend, reason = "no reason is known" } = await engine.probe();
    if (!backend) throw new FennecError("webgpu-missing", reason);
    return backend === "webgpu" ? undefined : reason;
  } finally {
    close();
  }
}

function startEngine(): { readonly engine: RemoteEngine; readonly close: () => void } {
  const worker = new Worker(new URL("./engine_worker.ts", import.meta.url), { type: "module" });
  const engine = connect(worker);
  const close = () => {
    engine.dispose();
    worker.terminate();
  };
  return { engine, close };
}

/** All models that open without a network, downloads first. */
export async function listKept(): Promise<readonly KeptModel[]> {
  const downloads = (await listCachedFiles()).filter(({ complete }) => complete);
  const chosen = "storage" in navigator ? await listKeptFiles() : [];
  return [...downloads.map(({ url, bytes }) => ({ id: url, name: fileName(url), bytes })), ...chosen];
}

export async function forgetKept(model: KeptModel): Promise<void> {
  await (isKeptFile(model) ? removeKeptFile(model) : deleteCachedFile(model.id));
}

/** The address of the built-in model, which is also its id once it is kept. */
export function builtinUrl(): string | undefined {
  return builtinModel ? new URL(builtinModel.file, document.baseURI).href : undefined;
}

/** What to call a model before its file is read. */
export function sourceName(source: ModelSource): string {
  switch (source.kind) {
    case "file":
      return source.file.name;
    case "kept":
      return source.model.name;
    case "builtin":
      return "The built-in model";
    case "url":
      return fileName(source.url);
  }
}

/** @throws FennecError as the engine's `load`. */
export async function openModel(source: ModelSource, options: OpenOptions): Promise<OpenModel> {
  const { signal, onProgress, onDevice } = options;
  const { engine, close } = startEngine();
  try {
    await engine.load(await loadable(source), {
      signal,
      onProgress,
      onBackendChange({ state, reason, backend }) {
        // When it failed, `lost` tells.
        if (state === "lost") onDevice({ state, reason }, descriptionOf(engine));
        if (state === "replaced")
          onDevice(
            { state: backend.kind === "webgpu" ? "on-gpu" : "on-processor", reason: backend.reason ?? reason },
            descriptionOf(engine),
          );
      },
    });
    const description = descriptionOf(engine);
    const { mode } = description;
    return {
      description,
      kept: keep(source),
      lost: engine.lost,
      reply: (request, abort) => (mode === "conversation" ? chat(engine, request, abort) : go(engine, request, abort)),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function descriptionOf({ model, backend, context }: RemoteEngine): LoadedModel {
  return {
    name: model.name,
    architecture: model.architecture,
    adapter: backend.adapter,
    context,
    mode: model.hasChatTemplate ? "conversation" : "continuation",
    ...(backend.reason && { reason: backend.reason }),
  };
}

async function loadable(source: ModelSource): Promise<File | string> {
  switch (source.kind) {
    case "file":
      return source.file;
    case "kept":
      return isKeptFile(source.model) ? openKeptFile(source.model) : source.model.id;
    case "builtin":
      return builtinUrl()!;
    case "url":
      return source.url;
  }
}

async function keep(source: ModelSource): Promise<KeptModel | undefined> {
  if (source.kind === "kept") return source.model;
  if (source.kind === "file" && !source.keep) return undefined;
  // Otherwise the browser may clear models when space runs low. It may also say no; then they stay as long as they may.
  await navigator.storage?.persist?.();
  if (source.kind === "file") return keepFile(source.file);
  const url = source.kind === "builtin" ? builtinUrl()! : source.url;
  return (await listKept()).find(({ id }) => isSame(url, id));
}

/** @param name What was asked for: an address, or an `hf:` name. @param url What is kept. */
function isSame(name: string, url: string): boolean {
  const [, owner, repo, path] = /^hf:([^/]+)\/([^/]+)\/(.+?)(?:@[^@]+)?$/.exec(name) ?? [];
  if (path) return url.includes(`/${owner}/${repo}/resolve/`) && url.endsWith(`/${path}`);
  return URL.canParse(name, document.baseURI) && new URL(name, document.baseURI).href === url;
}

async function* chat(engine: RemoteEngine, request: ChatParams, signal: AbortSignal): AsyncIterable<ReplyPiece> {
  const stream = await engine.chat.completions.create(
    { ...request, stream: true, stream_options: { include_usage: true } },
    { signal },
  );
  let timings: Timings | undefined;
  for await (const chunk of stream) {
    timings = chunk.timings ?? timings;
    yield piece(chunk.choices[0]?.delta.content, timings, chunk.usage?.completion_tokens);
  }
}

/** Goes on with everything that was written so far, as one text. */
async function* go(engine: RemoteEngine, request: ChatParams, signal: AbortSignal): AsyncIterable<ReplyPiece> {
  const { messages, ...params } = request;
  const prompt = messages.flatMap(({ role, content }) => (role === "system" ? [] : [content])).join("");
  const stream = await engine.completions.create(
    {
      ...params,
      max_tokens: params.max_tokens ?? CONTINUATION_TOKENS,
      prompt,
      stream: true,
      stream_options: { include_usage: true },
    },
    { signal },
  );
  let timings: Timings | undefined;
  for await (const chunk of stream) {
    timings = chunk.timings ?? timings;
    yield piece(chunk.choices[0]?.text, timings, chunk.usage?.completion_tokens);
  }
}

/** Such models seldom come to an end by themselves. */
const CONTINUATION_TOKENS = 256;

function piece(text = "", timings: Timings | undefined, tokens: number | undefined): ReplyPiece {
  if (!timings || tokens === undefined) return { text };
  const { timeToFirstTokenMs, decodeTokensPerSecond, throttled } = timings;
  return { text, stats: { timeToFirstTokenMs, tokensPerSecond: decodeTokensPerSecond, tokens, throttled } };
}

function fileName(url: string): string {
  const last = url.split(/[?#]/)[0]!.split("/").at(-1) || url;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
