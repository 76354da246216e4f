// What goes between a page and the worker that runs its engine. Structured-cloneable values only: signals, callbacks and
// errors have messages of their own.

import type { ChatParams, CompletionParams, MaybeStream } from "../api/types";
import type { BackendChange, BackendInfo, ChatMessage, GenerateOptions, ModelInfo } from "../engine/engine";
import type { SamplingDefaults } from "../engine/sampling";
import { FennecError, isFennecError } from "../errors";
import type { ByteSource } from "../files/weights_file";
import type { EngineProgress, LoadOptions } from "../load";
import type { ModelSource } from "../open_model";

/** Sources that can be posted. Bytes are copied. */
export type RemoteSource = Exclude<ModelSource, ByteSource | URL>;

/** Options that can be posted; the others stay on the page's side. */
export type RemoteLoadOptions = Omit<LoadOptions, "gpu" | "cache"> & { readonly cache?: false };
type PostedLoadOptions = Omit<RemoteLoadOptions, "signal" | "onProgress" | "onBackendChange">;
type PostedGenerateOptions = Omit<GenerateOptions, "signal">;

/** What an engine says of itself, at the time of loading or of the last change of its backend. */
export interface EngineInfo {
  readonly model: ModelInfo;
  /** Tokens. */
  readonly context: number;
  readonly samplingDefaults: SamplingDefaults;
  readonly backend: BackendInfo;
}

export type Call =
  | { readonly method: "load"; readonly source: RemoteSource; readonly options: PostedLoadOptions }
  | { readonly method: "unload" }
  | { readonly method: "probe" }
  | { readonly method: "countTokens"; readonly prompt: string | readonly ChatMessage[] }
  | { readonly method: "chat"; readonly params: ChatParams & MaybeStream }
  | { readonly method: "completions"; readonly params: CompletionParams & MaybeStream }
  | {
      readonly method: "generate";
      readonly prompt: string | readonly number[];
      readonly options: PostedGenerateOptions;
    };

export type ToWorker =
  | { readonly type: "call"; readonly id: number; readonly call: Call }
  /** The page has room for so many more items of a stream. */
  | { readonly type: "pull"; readonly id: number; readonly count: number }
  | { readonly type: "abort"; readonly id: number }
  /** Whether nobody sees the page. */
  | { readonly type: "visibility"; readonly hidden: boolean };

export type FromWorker =
  /** First of all. The worker holds this Web Lock while it lives, where there are Web Locks. */
  | { readonly type: "hello"; readonly lock?: string }
  | { readonly type: "progress"; readonly id: number; readonly progress: EngineProgress }
  /** The call's result; for a streamed reply, that it has begun. */
  | { readonly type: "value"; readonly id: number; readonly value: unknown }
  | { readonly type: "item"; readonly id: number; readonly value: unknown }
  /** The call is answered: its value and all items were sent. */
  | { readonly type: "end"; readonly id: number }
  /** The call failed, or its stream did: the last message of it. */
  | { readonly type: "error"; readonly id: number; readonly error: PlainError }
  /** The loaded engine's device was lost; what came of it. `context` is the engine's from now on. */
  | { readonly type: "backend"; readonly change: BackendChange; readonly context: number }
  /** The loaded engine cannot go on. */
  | { readonly type: "lost"; readonly error: PlainError };

export interface PlainError {
  /** Undefined for an error that the package did not throw on purpose. */
  readonly code?: FennecError["code"];
  readonly message: string;
}

export function plainError(error: unknown): PlainError {
  if (isFennecError(error)) return { code: error.code, message: error.message };
  return { message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

export function revivedError({ code = "worker-failed", message }: PlainError): FennecError {
  return new FennecError(code, message);
}

/** Items of a stream that may be on their way or unread on the page's side. */
export const WINDOW = 64;
