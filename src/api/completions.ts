// engine.completions.create: prompts in, OpenAI's older text completions out. No template is applied.

import { checkTokens, invalid } from "../check";
import type { Engine } from "../engine/engine";
import type { Generation } from "../engine/generation";
import {
  COMPLETION_PARAMS,
  choiceCount,
  generateOptions,
  includesUsage,
  isStream,
  maxTokens,
  nameOf,
  refuseUnsupported,
} from "./params";
import { apiStream, controllerFor, type Envelope, envelope, pieces, totalUsage } from "./reply";
import type { Completion, CompletionChunk, CompletionParams, Create, MaybeStream, RequestOptions } from "./types";

/** OpenAI's default of `max_tokens` here. */
const DEFAULT_TOKENS = 16;
/** Prompts in one request. */
const MOST_PROMPTS = 64;

/** @throws FennecError as `createChatCompletions`, but for templates. */
export function createCompletions(engine: Engine): Create<CompletionParams, Completion, CompletionChunk> {
  async function create(params: CompletionParams & MaybeStream, options?: RequestOptions) {
    refuseUnsupported(params, COMPLETION_PARAMS);
    const stream = isStream(params.stream);
    const usage = includesUsage(params);
    const count = choiceCount(params);
    const most = maxTokens({ max_tokens: params.max_tokens }) ?? DEFAULT_TOKENS;
    const prompts = promptList(params.prompt, engine);
    const controller = controllerFor(options);
    const asked = { ...generateOptions(params, controller.signal), maxTokens: most };
    let streaming = false;
    try {
      const generations = prompts.flatMap((prompt) => engine.generateChoices(prompt, asked, count, nameOf));
      const head = envelope(engine, "cmpl");
      if (!stream) return await reply(head, generations, count);
      streaming = true;
      return apiStream(controller, chunks(head, generations, count, controller, usage));
    } finally {
      if (!streaming) controller.abort(); // ends what an error left running
    }
  }
  return create as Create<CompletionParams, Completion, CompletionChunk>;
}

async function reply(head: Envelope, generations: readonly Generation[], count: number): Promise<Completion> {
  const results = await Promise.all(generations.map(({ result }) => result));
  return {
    ...head,
    object: "text_completion",
    choices: results.map(({ text, finishReason }, index) => ({
      index,
      text,
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage: await totalUsage(generations, count),
    timings: results[0]!.timings,
  };
}

async function* chunks(
  head: Envelope,
  generations: readonly Generation[],
  count: number,
  controller: AbortController,
  includeUsage: boolean,
): AsyncGenerator<CompletionChunk, void, undefined> {
  try {
    for await (const { index, text, end } of pieces(generations)) {
      yield {
        ...head,
        object: "text_completion",
        choices: [{ index, text, logprobs: null, finish_reason: end?.finishReason ?? null }],
        ...(includeUsage && { usage: null }),
        ...(end && { timings: end.timings }),
      };
    }
    if (!includeUsage) return;
    yield { ...head, object: "text_completion", choices: [], usage: await totalUsage(generations, count) };
  } finally {
    controller.abort();
  }
}

/** Prompts as token ids. OpenAI tells one list of ids from several strings by the type of the first entry. */
function promptList(given: unknown, engine: Engine): readonly (readonly number[])[] {
  const list: readonly unknown[] = Array.isArray(given) && typeof given[0] !== "number" ? given : [given];
  if (list.length === 0 || list.length > MOST_PROMPTS)
    throw invalid("prompt", given, `one prompt, or an array of 1 to ${MOST_PROMPTS}`);
  return list.map((prompt, i) => {
    const field = list.length > 1 ? `prompt[${i}]` : "prompt";
    if (typeof prompt === "string") {
      const ids = engine.encodePrompt(prompt);
      if (ids.length === 0) throw invalid(field, prompt, "text of at least one token");
      return ids;
    }
    if (Array.isArray(prompt)) return checkTokens(field, prompt, engine.model.vocab);
    throw invalid(field, prompt, "a string, or an array of token ids");
  });
}
