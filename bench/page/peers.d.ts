// The parts of the peers that this page uses, so that types are checked without installing them.

declare module "@wllama/wllama" {
  export interface CompletionChunk {
    readonly choices: readonly { readonly text: string }[];
    readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
    readonly timings?: { readonly cache_n: number; readonly prompt_n: number; readonly predicted_n: number };
  }
  export class Wllama {
    constructor(paths: { readonly default: string }, config: { readonly suppressNativeLog?: boolean });
    loadModel(
      files: readonly Blob[],
      params: {
        readonly n_ctx: number;
        readonly n_threads: number;
        readonly n_gpu_layers: number;
        readonly n_parallel: number;
      },
    ): Promise<void>;
    createCompletion(params: {
      readonly prompt: string;
      readonly max_tokens: number;
      readonly temperature: number;
      readonly ignore_eos: boolean;
      readonly stream: true;
      readonly abortSignal: AbortSignal;
    }): Promise<AsyncIterable<CompletionChunk>>;
    exit(): Promise<void>;
  }
}

declare module "@wllama/wllama/esm/wasm/wllama.wasm?url" {
  const url: string;
  export default url;
}

declare module "@huggingface/transformers" {
  interface Tensor {
    readonly dims: readonly number[];
    tolist(): unknown;
  }
  interface Inputs {
    readonly input_ids: Tensor & { readonly dims: readonly [number, number] };
    readonly attention_mask: Tensor;
  }
  export interface Tokenizer {
    (text: string): Inputs;
    decode(ids: readonly bigint[], options: { readonly skip_special_tokens: boolean }): string;
  }
  export interface Model {
    generate(options: object): Promise<Record<number, Tensor> & { readonly 0: Tensor }>;
  }
  export const AutoTokenizer: { from_pretrained(name: string): Promise<Tokenizer> };
  export const AutoModelForCausalLM: { from_pretrained(name: string, options: object): Promise<Model> };
  export class TextStreamer {
    constructor(
      tokenizer: Tokenizer,
      options: {
        readonly skip_prompt: boolean;
        readonly callback_function: (text: string) => void;
        readonly token_callback_function: (ids: readonly bigint[]) => void;
      },
    );
  }
  export const env: {
    backends: { onnx: { wasm?: { numThreads?: number; wasmPaths?: object } } };
    useWasmCache: boolean;
    allowRemoteModels: boolean;
    allowLocalModels: boolean;
    localModelPath: string;
    useBrowserCache: boolean;
    fetch: (input: string | URL, init?: RequestInit) => Promise<Response>;
  };
}

declare module "@mlc-ai/web-llm" {
  interface ModelRecord {
    readonly model: string;
    readonly model_id: string;
    readonly model_lib: string;
  }
  interface AppConfig {
    readonly model_list: readonly ModelRecord[];
  }
  interface Chunk {
    readonly choices: readonly { readonly text: string; readonly finish_reason?: string | null }[];
    readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  }
  export interface Engine {
    readonly completions: {
      create(params: {
        readonly prompt: string;
        readonly max_tokens: number;
        readonly temperature: number;
        readonly ignore_eos: boolean;
        readonly stream: true;
        readonly stream_options: { readonly include_usage: boolean };
      }): Promise<AsyncIterable<Chunk>>;
    };
    unload(): Promise<void>;
  }
  export const prebuiltAppConfig: AppConfig;
  export function CreateWebWorkerMLCEngine(
    worker: Worker,
    model: string,
    config: { readonly appConfig: AppConfig },
    options: { readonly context_window_size: number },
  ): Promise<Engine>;
  export class WebWorkerMLCEngineHandler {
    onmessage(message: MessageEvent): void;
  }
}

declare module "uplot" {
  export interface Series {
    readonly label?: string;
    readonly stroke?: string;
    readonly width?: number;
    readonly points?: { readonly size?: number; readonly show?: boolean };
    readonly value?: (plot: unknown, value: number | null) => string;
  }
  export interface Axis {
    readonly stroke?: string;
    readonly grid?: { readonly stroke?: string; readonly width?: number; readonly show?: boolean };
    readonly ticks?: { readonly show?: boolean };
    readonly label?: string;
    readonly size?: number;
    readonly font?: string;
    readonly splits?: () => readonly number[];
    readonly values?: (plot: unknown, splits: readonly number[]) => readonly string[];
  }
  export interface Options {
    readonly width: number;
    readonly height: number;
    readonly series: readonly Series[];
    readonly axes?: readonly Axis[];
    readonly scales?: Readonly<Record<string, object>>;
    readonly legend?: { readonly show?: boolean };
    readonly cursor?: object;
  }
  export default class UPlot {
    constructor(options: Options, data: readonly (readonly (number | null)[])[], target: HTMLElement);
    setSize(size: { readonly width: number; readonly height: number }): void;
    destroy(): void;
  }
}
