// A loaded model: text or ids in, tokens and text out. Holds the backend and the scheduler; every other public surface
// (OpenAI's shapes, worker, command line) is built on this one.

import type { Backend, BackendKind, BackendLimits, Counters, Precision } from "../backends/backend";
import { checkInteger, checkNames, checkStrings, checkTokens, invalid } from "../check";
import { FennecError } from "../errors";
import type { ChatTemplate } from "../text/chat_template";
import { createDetokenizer } from "../text/detokenizer";
import type { Tokenizer } from "../text/tokenizer";
import { type Generation, type GenerationRequest, startGeneration } from "./generation";
import { computeLogits, type LogitsOptions } from "./logits";
import type { ReplaceBackend } from "./replacement";
import { type SamplingDefaults, type SamplingOptions, samplerSettings, settingsOfChoice } from "./sampling";
import { type BackendState, Scheduler, type SchedulerOptions } from "./scheduler";
import { watchVisibility } from "./visibility";

/** A message of a conversation, as templates read it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly name?: string;
}

export interface ModelInfo {
  /** File name without folders and extension, or what the file calls itself. */
  readonly name: string;
  readonly architecture: string;
  readonly vocab: number;
  /** False: `chat.completions` gives `no-chat-template`, plain continuation works. */
  readonly hasChatTemplate: boolean;
}

/** What an engine is made from. */
export interface EngineInput {
  readonly backend: Backend;
  readonly model: ModelInfo;
  /** @throws FennecError `tokenizer-missing`, `tokenizer-unsupported`. */
  readonly tokenizer: () => Tokenizer;
  /** @throws FennecError `no-chat-template`, `template-failed`. */
  readonly template: () => ChatTemplate;
  /** Ids that end a reply. */
  readonly stopIds: ReadonlySet<number>;
  /** What the model's file recommends. */
  readonly sampling: SamplingDefaults;
  readonly scheduler?: Omit<SchedulerOptions, "replace" | "onChange">;
  /** Makes a backend in the place of a lost one; absent: a lost device ends the engine. */
  readonly replace?: ReplaceBackend;
  readonly onBackendChange?: ((change: BackendChange) => void) | undefined;
  readonly onDispose?: () => void;
}

export interface GenerateOptions extends SamplingOptions {
  /** Tokens of the reply at most; as many as the context holds when absent. */
  readonly maxTokens?: number;
  /** Up to 16 strings that end the reply and are not part of it. */
  readonly stop?: string | readonly string[];
  /** Go on after the model's own end tokens: for measurements. */
  readonly ignoreStopTokens?: boolean;
  readonly signal?: AbortSignal;
}

export interface BackendInfo {
  readonly kind: BackendKind;
  readonly precision: Precision;
  /** How keys and values are stored, which may be asked for apart from the precision. */
  readonly kv: Backend["kv"];
  /** What matrices are multiplied with, where it is not f32: always in decoding, in prompts where that is faster. */
  readonly activations?: "int8";
  readonly adapter: string;
  /** Why this backend runs and not WebGPU, where it stands in for it. */
  readonly reason?: string;
  readonly limits: BackendLimits;
  /** Bytes. */
  readonly memory: { readonly weights: number; readonly kv: number; readonly other: number };
  readonly counters: Readonly<Counters>;
}

/** The device was lost, and what came of it. */
export interface BackendChange {
  /**
   * `lost`: open and new requests wait while the model is loaded again. `replaced`: they go on where they were, on
   * `backend`. `failed`: nothing can take its place, and they ended with code `device-lost`.
   */
  readonly state: BackendState;
  /** What happened, for people. */
  readonly reason: string;
  /** The one at work; the lost one until it is `replaced`. */
  readonly backend: BackendInfo;
}

const GENERATE_OPTIONS = Object.keys({
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  frequencyPenalty: true,
  presencePenalty: true,
  logitBias: true,
  seed: true,
  maxTokens: true,
  stop: true,
  ignoreStopTokens: true,
  signal: true,
} satisfies Record<keyof GenerateOptions, true>);

/** Prompts may be that many stop strings; OpenAI allows 4. */
const MOST_STOPS = 16;

export class Engine {
  readonly model: ModelInfo;
  readonly samplingDefaults: SamplingDefaults;
  readonly #input: EngineInput;
  readonly #scheduler: Scheduler;
  readonly #unwatch: () => void;
  #disposed = false;

  constructor(input: EngineInput) {
    this.#input = input;
    this.#scheduler = new Scheduler(input.backend, {
      ...input.scheduler,
      ...(input.replace && { replace: input.replace }),
      onChange: (state, reason) => this.#tell({ state, reason, backend: this.backend }),
    });
    this.model = input.model;
    this.samplingDefaults = input.sampling;
    this.#unwatch = watchVisibility((hidden) => (this.hidden = hidden));
  }

  /**
   * Whether nobody sees the page that the engine works for: told in the timings of replies (`throttled`). In a page it
   * follows the page; in a worker `connect` tells.
   */
  get hidden(): boolean {
    return this.#scheduler.hidden;
  }

  set hidden(hidden: boolean) {
    this.#scheduler.hidden = hidden;
  }

  /** Longest prompt and reply together, tokens. A backend that takes a lost one's place may have another. */
  get context(): number {
    return this.#scheduler.context;
  }

  /**
   * Resolves when the engine cannot go on: the device is gone and nothing can take its place. Never rejects, and never
   * resolves for a {@link dispose}.
   */
  get lost(): Promise<FennecError> {
    return this.#scheduler.lost;
  }

  /** The backend at work. */
  get backend(): BackendInfo {
    const { kind, precision, kv, activations, adapter, reason, limits, memory, counters } = this.#scheduler.backend;
    const optional = { ...(activations && { activations }), ...(reason !== undefined && { reason }) };
    return { kind, precision, kv, adapter, ...optional, limits, memory, counters };
  }

  /** @throws FennecError `tokenizer-missing`, `tokenizer-unsupported`. */
  get tokenizer(): Tokenizer {
    return this.#input.tokenizer();
  }

  /**
   * Token ids of a prompt: text as it is (special tokens in it are plain text), with BOS where the file says so; a
   * conversation through the file's template.
   *
   * @throws FennecError `tokenizer-missing`, `tokenizer-unsupported`, `no-chat-template`, `template-failed`.
   */
  encodePrompt(prompt: string | readonly ChatMessage[]): readonly number[] {
    if (typeof prompt === "string") return this.tokenizer.encode(prompt, { bos: true });
    const text = this.#input.template().render({ messages: prompt });
    return this.tokenizer.encode(text, { special: true, bos: true });
  }

  /** How many tokens {@link encodePrompt} gives. */
  countTokens(prompt: string | readonly ChatMessage[]): number {
    return this.encodePrompt(prompt).length;
  }

  /**
   * Continues a prompt: text, or token ids exactly as given. The reply runs from now on, whether it is read or not.
   *
   * @throws FennecError `invalid-argument`, `context-full`, `tokenizer-missing`, `tokenizer-unsupported`, `disposed`.
   *   While it runs, by the iteration and by `result`: `aborted`, `disposed`, `device-lost`, `out-of-memory`.
   *
   * @example
   * for await (const { text } of engine.generate("Once upon a time", { maxTokens: 50 })) process.stdout.write(text);
   */
  generate(prompt: string | readonly number[], options: GenerateOptions = {}): Generation {
    return this.generateChoices(prompt, options, 1)[0]!;
  }

  /** `count` replies to one prompt, which is computed once. The first is what {@link generate} gives. */
  generateChoices(
    prompt: string | readonly number[],
    options: GenerateOptions,
    count: number,
    names?: (field: keyof SamplingOptions) => string,
  ): readonly Generation[] {
    this.#checkUsable();
    const request = this.#request(prompt, options, names);
    const generations: Generation[] = [];
    for (let i = 0; i < count; i++) {
      const sampler = settingsOfChoice(request.sampler, i);
      const text = this.#textStream(request.prompt);
      generations.push(startGeneration(this.#scheduler, { ...request, sampler, text, after: generations[0] }));
    }
    return generations;
  }

  /**
   * Logits after the last of `tokens`, or after each with `all`: `[rows, vocab]` f32. Tokens are used as given.
   *
   * @throws FennecError `invalid-argument`, `context-full`, `out-of-memory`, `aborted`, `disposed`.
   */
  async logits(tokens: readonly number[], options: LogitsOptions = {}): Promise<Float32Array> {
    this.#checkUsable();
    const checked = checkTokens("tokens", tokens, this.model.vocab);
    if (checked.length > this.context) throw contextFull(checked.length, 0, this.context);
    return computeLogits(this.#scheduler, checked, options);
  }

  /** Ends what runs with code `disposed` and frees the device's memory. Safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#unwatch();
    this.#scheduler.dispose();
    this.#scheduler.backend.dispose();
    this.#input.onDispose?.();
  }

  /** Outside of the scheduler's work: a listener may start requests, dispose the engine, or throw. */
  #tell(change: BackendChange): void {
    const { onBackendChange } = this.#input;
    if (onBackendChange) queueMicrotask(() => onBackendChange(change));
  }

  #request(
    given: string | readonly number[],
    options: GenerateOptions,
    names?: (field: keyof SamplingOptions) => string,
  ): GenerationRequest {
    const { vocab } = this.model;
    checkNames("options", options, GENERATE_OPTIONS);
    const ids = typeof given === "string" ? this.encodePrompt(given) : given;
    if (!Array.isArray(ids)) throw invalid("prompt", given, "a string, or an array of token ids");
    const prompt = checkTokens("prompt", ids, vocab);
    const room = this.context - prompt.length;
    const stop = checkStrings("stop", options.stop, MOST_STOPS);
    if (stop.length > 0) this.tokenizer; // stop strings without text could never match
    const maxTokens = options.maxTokens === undefined ? room : checkInteger("maxTokens", options.maxTokens, 1);
    if (room < 1) throw contextFull(prompt.length, 1, this.context);
    return {
      prompt,
      maxTokens: Math.min(maxTokens, room),
      sampler: samplerSettings(options, this.#input.sampling, vocab, names),
      stopIds: options.ignoreStopTokens ? new Set() : this.#input.stopIds,
      stop,
      signal: options.signal,
    };
  }

  /** Undefined for a file without a usable tokenizer: its tokens have no text. */
  #textStream(prompt: readonly number[]) {
    try {
      const after = prompt.at(-1);
      return createDetokenizer(this.tokenizer, { skipSpecial: true, ...(after !== undefined && { after }) });
    } catch (error) {
      if (error instanceof FennecError && error.code.startsWith("tokenizer-")) return undefined;
      throw error;
    }
  }

  #checkUsable(): void {
    if (this.#disposed) throw new FennecError("disposed", "the engine was disposed; load the model again to go on");
  }
}

function contextFull(prompt: number, reply: number, context: number): FennecError {
  return new FennecError(
    "context-full",
    `the prompt has ${prompt} tokens; the context holds ${context}${reply ? ", with at least one token of the reply" : ""}. ` +
      "Shorten the prompt, or load with a larger context.",
  );
}
