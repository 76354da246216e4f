// The public API: what people may import from `@fennec/engine`. Re-exports only; a test holds the list.

export type { FennecEngine } from "./api/surface";
export type {
  ApiStream,
  ChatCompletion,
  ChatCompletionChunk,
  ChatMessageParam,
  ChatParams,
  Completion,
  CompletionChunk,
  CompletionParams,
  OpenAiSurface,
  RequestOptions,
} from "./api/types";
export type { BackendKind, KvType, Precision } from "./backends/backend";
export { deleteCachedFile, listCachedFiles } from "./cached_files";
export type { BackendChange, BackendInfo, ChatMessage, GenerateOptions, ModelInfo } from "./engine/engine";
export type {
  FinishReason,
  GeneratedToken,
  Generation,
  GenerationResult,
  Timings,
  Usage,
} from "./engine/generation";
export type { LogitsOptions } from "./engine/logits";
export type { SamplingOptions } from "./engine/sampling";
export type { BackendState } from "./engine/scheduler";
export { type ErrorCode, FennecError, isFennecError } from "./errors";
export type { CachedFile, CacheStore } from "./files/cache";
export type { Source } from "./files/open_source";
export type { ByteSource } from "./files/weights_file";
export type { Quantization } from "./hugging_face/quantize";
export { type BackendChoice, type EngineProgress, type LoadOptions, load, type OnnxChoice } from "./load";
export type { ModelSource } from "./open_model";
export { type AdapterLimits, type AdapterProbe, type Probe, probe } from "./probe";
export type { Tokenizer } from "./text/tokenizer";
