// What both endpoints share: several generations as one reply, or as one stream of pieces.

import type { Engine } from "../engine/engine";
import type { FinishReason, Generation, Timings, Usage } from "../engine/generation";
import { AsyncQueue } from "../engine/queue";
import type { ApiStream, RequestOptions } from "./types";

/** A piece of one choice of a reply. */
export interface Piece {
  readonly index: number;
  /** Empty in the piece that only ends the choice. */
  readonly text: string;
  readonly end?: { readonly finishReason: FinishReason; readonly timings: Timings };
}

/** What each reply says of itself. */
export interface Envelope {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

export function envelope(engine: Engine, prefix: string): Envelope {
  const { kind, precision } = engine.backend;
  return {
    id: `${prefix}-${crypto.randomUUID().replaceAll("-", "")}`,
    created: Math.floor(Date.now() / 1000),
    model: engine.model.name,
    system_fingerprint: `fennec-${kind}-${precision}`,
  };
}

/** A controller that aborts when the caller's signal does. */
export function controllerFor(options: RequestOptions = {}): AbortController {
  const controller = new AbortController();
  const { signal } = options;
  if (signal?.aborted) controller.abort(signal.reason);
  else signal?.addEventListener("abort", () => controller.abort(signal.reason), { signal: controller.signal });
  return controller;
}

/** Pieces of all choices as they come, until the first error. */
export function pieces(generations: readonly Generation[]): AsyncIterable<Piece> {
  const queue = new AsyncQueue<Piece>();
  const pumps = generations.map(async (generation, index) => {
    for await (const { text } of generation) if (text !== "") queue.push({ index, text });
    const { finishReason, timings } = await generation.result;
    queue.push({ index, text: "", end: { finishReason, timings } });
  });
  Promise.all(pumps).then(
    () => queue.close(),
    (error: unknown) => queue.close(error),
  );
  return queue;
}

/** A stream whose chunks are made from pieces. */
export function apiStream<Chunk>(controller: AbortController, chunks: AsyncIterable<Chunk>): ApiStream<Chunk> {
  return { controller, [Symbol.asyncIterator]: () => chunks[Symbol.asyncIterator]() };
}

/** Usage of several replies: each prompt counts once. @param choices Replies to each prompt. */
export async function totalUsage(generations: readonly Generation[], choices: number): Promise<Usage> {
  const usages = (await Promise.all(generations.map(({ result }) => result))).map(({ usage }) => usage);
  const prompts = usages.filter((_, i) => i % choices === 0);
  const sum = (list: readonly Usage[], of: (usage: Usage) => number) => list.reduce((total, u) => total + of(u), 0);
  const prompt_tokens = sum(prompts, (u) => u.prompt_tokens);
  const completion_tokens = sum(usages, (u) => u.completion_tokens);
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: sum(prompts, (u) => u.prompt_tokens_details.cached_tokens) },
  };
}
