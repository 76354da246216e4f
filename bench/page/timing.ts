// From when tokens arrived on the page to tokens a second, for all engines alike.

import type { Reply } from "./contender";
import type { Turn } from "./plan";
import type { RunTiming } from "./result";

/**
 * @param elapsedMs Of the whole reply: stands in for the first token where no text of it was seen.
 * @param planned Tokens of the prompt where the engine does not count them.
 */
export function timingOf(reply: Reply, turn: Turn, elapsedMs: number, planned: number): RunTiming {
  const firstTokenMs = reply.arrivals[0] ?? elapsedMs;
  const lastMs = reply.arrivals.at(-1) ?? elapsedMs;
  const promptTokens = reply.promptTokens ?? planned;
  const decodeMs = lastMs - firstTokenMs;
  const decode = decodeMs > 0 ? ((reply.tokens - 1) * 1000) / decodeMs : 0;
  return {
    round: turn.round,
    place: turn.place,
    test: turn.test,
    promptTokens,
    replyTokens: reply.tokens,
    firstTokenMs,
    tokensPerSecond: turn.test === "prompt" ? (promptTokens * 1000) / firstTokenMs : decode,
  };
}
