// What every engine looks like to the page.

export interface ModelFiles {
  /** A GGUF file. */
  readonly gguf?: File | string;
  /** A folder in the layout of Transformers.js: files, an address that ends in a slash, or a name on the hub. */
  readonly onnx?: readonly File[] | string;
  /** Form of the ONNX weights on each device; the folder's own default when absent. */
  readonly onnxTypes?: { readonly gpu?: string; readonly cpu?: string };
  /**
   * A model of WebLLM: its name there, or the address of a folder and of its library. `sameWeights`: the folder's are the
   * GGUF file's, made by mlc_folder.mjs.
   */
  readonly mlc?: { readonly model: string; readonly library?: string; readonly sameWeights?: boolean };
  /** Whether the ONNX folder has the GGUF file's weights: made by `fennec export-onnx`. */
  readonly onnxHasSameWeights?: boolean;
}

export interface LoadSettings {
  /** Longest prompt and reply together, tokens. */
  readonly context: number;
  /** Of engines on the processor. */
  readonly threads: number;
  /** Names the realm of the engine for the meter. */
  readonly label: string;
}

export interface Reply {
  readonly text: string;
  /** As the engine counts them; undefined where it does not tell. */
  readonly promptTokens: number | undefined;
  /** Tokens of the reply, as the engine counts them. */
  readonly tokens: number;
  /** When text of it arrived on the page, milliseconds after the request: at the least the first and the last token's. */
  readonly arrivals: readonly number[];
}

/** An engine with a model in it. */
export interface LoadedContender {
  /** Greedy, exactly `tokens` tokens: what ends a reply is ignored. */
  reply(prompt: string, tokens: number, signal: AbortSignal): Promise<Reply>;
  dispose(): Promise<void> | void;
}

export interface Contender {
  readonly id: string;
  readonly name: string;
  readonly runsOn: "gpu" | "cpu";
  /** What of the files it runs, in words; undefined when there is nothing for it. */
  weightsOf(files: ModelFiles): string | undefined;
  sameWeights(files: ModelFiles): boolean;
  version(): Promise<string>;
  load(files: ModelFiles, settings: LoadSettings): Promise<LoadedContender>;
}

/** The end of a path or an address. */
export function lastPart(name: string): string {
  return name.split(/[?#]/)[0]!.split("/").filter(Boolean).at(-1) ?? name;
}
