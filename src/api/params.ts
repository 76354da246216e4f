// What a request may say: every parameter is either understood, without meaning on one's own device, or refused by name.
// None is ignored silently.

import { checkInteger, checkNumber, invalid } from "../check";
import type { ChatMessage, GenerateOptions } from "../engine/engine";
import type { SamplingOptions } from "../engine/sampling";
import { FennecError } from "../errors";
import type { ChatMessageParam, MaybeStream, SamplingParams } from "./types";

/** Understood by both endpoints. */
const COMMON = [
  "model",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "repetition_penalty",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
  "seed",
  "stop",
  "n",
  "max_tokens",
  "stream",
  "stream_options",
];
export const CHAT_PARAMS: ReadonlySet<string> = new Set([...COMMON, "messages", "max_completion_tokens"]);
export const COMPLETION_PARAMS: ReadonlySet<string> = new Set([...COMMON, "prompt"]);

/** Accounting, caching and routing of a service: they cannot change a reply, and mean nothing here. */
const INERT = new Set(["user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"]);

/** Values of unsupported parameters that ask for what happens anyway. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  response_format: (value) => typeof value === "object" && value !== null && "type" in value && value.type === "text",
  modalities: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
  service_tier: (value) => value === "auto" || value === "default",
  store: (value) => value === false,
  echo: (value) => value === false,
  best_of: (value) => value === 1,
  tools: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === "none",
};

/** Most replies to one prompt. */
const MOST_CHOICES = 16;

/** @throws FennecError `invalid-argument` naming the first parameter that is not supported. */
export function refuseUnsupported(params: object, supported: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(params)) {
    if (supported.has(name) || INERT.has(name) || value === undefined || value === null) continue;
    if (NEUTRAL[name]?.(value)) continue;
    throw new FennecError(
      "invalid-argument",
      `${name}: this parameter is not supported; leave it out. Supported: ${[...supported].join(", ")}.`,
    );
  }
}

/** Spelling of the engine's option names in requests. */
const NAMES: Readonly<Record<keyof SamplingOptions, string>> = {
  temperature: "temperature",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
  frequencyPenalty: "frequency_penalty",
  presencePenalty: "presence_penalty",
  logitBias: "logit_bias",
  seed: "seed",
};

export const nameOf = (field: keyof SamplingOptions): string => NAMES[field];

/** OpenAI's sampling parameters as options of the engine. Ranges that the engine shares are checked there. */
export function generateOptions(params: SamplingParams, signal: AbortSignal): GenerateOptions {
  const given = {
    temperature: range("temperature", params.temperature, 0, 2),
    topK: params.top_k ?? undefined,
    topP: params.top_p ?? undefined,
    minP: params.min_p ?? undefined,
    repetitionPenalty: params.repetition_penalty ?? undefined,
    frequencyPenalty: params.frequency_penalty ?? undefined,
    presencePenalty: params.presence_penalty ?? undefined,
    logitBias: record("logit_bias", params.logit_bias),
    seed: params.seed ?? undefined,
    stop: params.stop ?? undefined,
  };
  return { ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)), signal };
}

export function choiceCount(params: SamplingParams): number {
  return checkInteger("n", params.n ?? 1, 1, MOST_CHOICES);
}

/** Whether a usage chunk was asked for. */
export function includesUsage(params: SamplingParams & MaybeStream): boolean {
  const options = params.stream_options ?? undefined;
  if (options === undefined) return false;
  if (!params.stream) throw invalid("stream_options", options, "nothing, unless stream is true");
  if (typeof options !== "object") throw invalid("stream_options", options, "an object with include_usage");
  for (const name of Object.keys(options)) {
    if (name !== "include_usage") throw invalid(`stream_options.${name}`, "a value", "only include_usage");
  }
  return checkBoolean("stream_options.include_usage", options.include_usage) ?? false;
}

export function isStream(stream: unknown): boolean {
  return checkBoolean("stream", stream) ?? false;
}

/** @param names What this endpoint calls it; two that are given must agree. */
export function maxTokens(values: Readonly<Record<string, unknown>>): number | undefined {
  let found: number | undefined;
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null) continue;
    const tokens = checkInteger(name, value, 1);
    if (found !== undefined && found !== tokens)
      throw invalid(name, tokens, `${found}, as ${Object.keys(values)[0]} says, or only one of the two`);
    found = tokens;
  }
  return found;
}

const ROLES: readonly string[] = ["system", "developer", "user", "assistant"] satisfies ChatMessageParam["role"][];

/** @throws FennecError `invalid-argument` naming the message and field. */
export function chatMessages(given: unknown): readonly ChatMessage[] {
  if (!Array.isArray(given) || given.length === 0) throw invalid("messages", given, "an array of at least one message");
  return given.map((message: unknown, i) => {
    if (typeof message !== "object" || message === null) throw invalid(`messages[${i}]`, message, "an object");
    const { role, content, name, ...rest } = message as Record<string, unknown>;
    for (const [field, value] of Object.entries(rest)) {
      if (value !== undefined && value !== null)
        throw invalid(`messages[${i}].${field}`, value, "only role, content and name are supported");
    }
    if (typeof role !== "string" || !ROLES.includes(role)) throw invalid(`messages[${i}].role`, role, ROLES.join(", "));
    if (name !== undefined && typeof name !== "string") throw invalid(`messages[${i}].name`, name, "a string");
    return {
      role: role === "developer" ? "system" : role,
      content: contentText(content, `messages[${i}].content`),
      ...(name !== undefined && { name }),
    };
  });
}

function contentText(content: unknown, field: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid(field, content, "a string, or an array of text parts");
  return content
    .map((part: unknown, i) => {
      const { type, text } = (part ?? {}) as Record<string, unknown>;
      if (type !== "text") throw invalid(`${field}[${i}].type`, type, '"text"');
      if (typeof text !== "string") throw invalid(`${field}[${i}].text`, text, "a string");
      return text;
    })
    .join("");
}

function checkBoolean(field: string, value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw invalid(field, value, "true or false");
  return value;
}

function range(field: string, value: number | null | undefined, min: number, max: number): number | undefined {
  return value === undefined || value === null ? undefined : checkNumber(field, value, min, max);
}

function record(field: string, value: SamplingParams["logit_bias"]): Readonly<Record<string, number>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw invalid(field, value, "an object of token ids");
  return value;
}
