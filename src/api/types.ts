// The shapes of OpenAI's chat and completions API, as far as they are supported, and what is added to them. A test
// compiles them against the types of the `openai` package. Source: OpenAI API reference, Chat and Completions.
//
// Optional fields also take null, as OpenAI's do: null is absent.

import type { Timings, Usage } from "../engine/generation";

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

export interface ChatMessageParam {
  /** `developer` is what newer OpenAI models call `system`, and is rendered as that. */
  readonly role: "system" | "developer" | "user" | "assistant";
  /** Parts are joined without anything between them. */
  readonly content: string | readonly TextPart[];
  /** Handed to the template, which may or may not show it. */
  readonly name?: string;
}

/** Sampling and limits, common to both endpoints. Absent: what the model's file recommends, else OpenAI's default. */
export interface SamplingParams {
  /** In [0, 2]; 0 is greedy. OpenAI's default is 1. */
  readonly temperature?: number | null;
  /** In (0, 1]; OpenAI's default is 1. */
  readonly top_p?: number | null;
  readonly frequency_penalty?: number | null;
  readonly presence_penalty?: number | null;
  /** Token id → bias in [-100, 100]. */
  readonly logit_bias?: Readonly<Record<string, number>> | null;
  readonly seed?: number | null;
  /** Up to 16 strings (OpenAI: 4). */
  readonly stop?: string | readonly string[] | null;
  /** Replies to each prompt, 1 to 16; the first is the one that n = 1 would give. */
  readonly n?: number | null;
  readonly stream_options?: { readonly include_usage?: boolean } | null;
  /** Keep the k most likely tokens; 0 is all. Not OpenAI's. */
  readonly top_k?: number | null;
  /** Keep tokens with at least this share of the largest probability. Not OpenAI's. */
  readonly min_p?: number | null;
  /** 1 is off. Not OpenAI's. */
  readonly repetition_penalty?: number | null;
  /** Accepted as it is: one engine runs one model, and replies name it. */
  readonly model?: string;
}

export interface ChatParams extends SamplingParams {
  readonly messages: readonly ChatMessageParam[];
  /** Tokens of the reply at most; as many as the context holds when absent. */
  readonly max_completion_tokens?: number | null;
  /** OpenAI's older name of `max_completion_tokens`. */
  readonly max_tokens?: number | null;
}

export interface CompletionParams extends SamplingParams {
  /** Text, token ids, or several of either. */
  readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
  /** 16 when absent, as OpenAI's. */
  readonly max_tokens?: number | null;
}

/** What goes beside a request, as in the `openai` package. */
export interface RequestOptions {
  readonly signal?: AbortSignal | null;
}

export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  /** Unix time, seconds. */
  readonly created: number;
  readonly model: string;
  /** Backend and precision that made the reply. */
  readonly system_fingerprint: string;
  readonly choices: {
    index: number;
    message: { role: "assistant"; content: string; refusal: null };
    logprobs: null;
    finish_reason: "stop" | "length";
  }[];
  readonly usage: Usage;
  /** Of the first choice. Not OpenAI's. */
  readonly timings: Timings;
}

export interface ChatCompletionChunk {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
  /** One; none in the chunk that carries the usage. */
  readonly choices: {
    index: number;
    delta: { role?: "assistant"; content?: string; refusal?: null };
    logprobs: null;
    finish_reason: "stop" | "length" | null;
  }[];
  /** With `include_usage`: null, and in the last chunk the usage. */
  readonly usage?: Usage | null;
  /** In the chunk with the finish reason. Not OpenAI's. */
  readonly timings?: Timings;
}

export interface Completion {
  readonly id: string;
  readonly object: "text_completion";
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
  readonly choices: {
    index: number;
    text: string;
    logprobs: null;
    finish_reason: "stop" | "length";
  }[];
  readonly usage: Usage;
  readonly timings: Timings;
}

/** OpenAI streams whole completions with a piece of the text each. */
export interface CompletionChunk {
  readonly id: string;
  readonly object: "text_completion";
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
  readonly choices: {
    index: number;
    text: string;
    logprobs: null;
    finish_reason: "stop" | "length" | null;
  }[];
  readonly usage?: Usage | null;
  readonly timings?: Timings;
}

/** A streamed reply. Leaving the loop early, or aborting the controller, ends it on the device too. */
export interface ApiStream<Chunk> extends AsyncIterable<Chunk> {
  readonly controller: AbortController;
}

/** Absent, false or null: one reply. */
export interface MaybeStream {
  readonly stream?: boolean | null;
}

/** `create` of an endpoint: one reply, or a stream of chunks. */
export interface Create<Params, Reply, Chunk> {
  (params: Params & { readonly stream?: false | null }, options?: RequestOptions): Promise<Reply>;
  (params: Params & { readonly stream: true }, options?: RequestOptions): Promise<ApiStream<Chunk>>;
  (params: Params & MaybeStream, options?: RequestOptions): Promise<Reply | ApiStream<Chunk>>;
}

/** The part of the `openai` client that an engine has. */
export interface OpenAiSurface {
  readonly chat: { readonly completions: { readonly create: Create<ChatParams, ChatCompletion, ChatCompletionChunk> } };
  readonly completions: { readonly create: Create<CompletionParams, Completion, CompletionChunk> };
}
