// engine.chat.completions.create: a conversation in, OpenAI's reply or stream of chunks out.

import type { Engine } from "../engine/engine";
import type { Generation } from "../engine/generation";
import {
  CHAT_PARAMS,
  chatMessages,
  choiceCount,
  generateOptions,
  includesUsage,
  isStream,
  maxTokens,
  nameOf,
  refuseUnsupported,
} from "./params";
import { apiStream, controllerFor, type Envelope, envelope, pieces, totalUsage } from "./reply";
import type { ChatCompletion, ChatCompletionChunk, ChatParams, Create, MaybeStream, RequestOptions } from "./types";

/**
 * @throws FennecError `invalid-argument` naming the parameter, `no-chat-template`, `template-failed`,
 *   `tokenizer-missing`, `tokenizer-unsupported`, `context-full`, `disposed`; `aborted`, `device-lost` and
 *   `out-of-memory` also from the stream.
 */
export function createChatCompletions(engine: Engine): Create<ChatParams, ChatCompletion, ChatCompletionChunk> {
  async function create(params: ChatParams & MaybeStream, options?: RequestOptions) {
    refuseUnsupported(params, CHAT_PARAMS);
    const stream = isStream(params.stream);
    const usage = includesUsage(params);
    const count = choiceCount(params);
    const { max_completion_tokens, max_tokens } = params;
    const most = maxTokens({ max_completion_tokens, max_tokens });
    const prompt = engine.encodePrompt(chatMessages(params.messages));
    const controller = controllerFor(options);
    const asked = { ...generateOptions(params, controller.signal), ...(most !== undefined && { maxTokens: most }) };
    const generations = engine.generateChoices(prompt, asked, count, nameOf);
    const head = envelope(engine, "chatcmpl");
    if (stream) return apiStream(controller, chunks(head, generations, controller, usage));
    try {
      return await reply(head, generations);
    } finally {
      controller.abort();
    }
  }
  return create as Create<ChatParams, ChatCompletion, ChatCompletionChunk>;
}

async function reply(head: Envelope, generations: readonly Generation[]): Promise<ChatCompletion> {
  const results = await Promise.all(generations.map(({ result }) => result));
  return {
    ...head,
    object: "chat.completion",
    choices: results.map(({ text, finishReason }, index) => ({
      index,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage: await totalUsage(generations, generations.length),
    timings: results[0]!.timings,
  };
}

async function* chunks(
  head: Envelope,
  generations: readonly Generation[],
  controller: AbortController,
  includeUsage: boolean,
): AsyncGenerator<ChatCompletionChunk, void, undefined> {
  const chunk = (choice: Omit<ChatCompletionChunk["choices"][number], "logprobs">): ChatCompletionChunk => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ ...choice, logprobs: null }],
    ...(includeUsage && { usage: null }),
  });
  try {
    for (const index of generations.keys())
      yield chunk({ index, delta: { role: "assistant", content: "", refusal: null }, finish_reason: null });
    for await (const { index, text, end } of pieces(generations)) {
      if (end) yield { ...chunk({ index, delta: {}, finish_reason: end.finishReason }), timings: end.timings };
      else yield chunk({ index, delta: { content: text }, finish_reason: null });
    }
    if (!includeUsage) return;
    const usage = await totalUsage(generations, generations.length);
    yield { ...head, object: "chat.completion.chunk", choices: [], usage };
  } finally {
    controller.abort();
  }
}
