// One reply as people see it: tokens to text, stop ids and stop strings, how it ended, what it cost. The scheduler below
// knows token ids only; the shapes of other APIs are built above.

import type { SamplerSettings } from "../../kernels/sample/settings";
import { FennecError } from "../errors";
import type { Run } from "./job";
import { AsyncQueue } from "./queue";
import type { Scheduler } from "./scheduler";
import { StopStrings } from "./stop_strings";

/** Turns the tokens of one reply into text, holding back the bytes of an unfinished character. */
export interface TextStream {
  /** Text that is complete with this token; may be empty. */
  push(token: number): string;
  /** What was held back, malformed bytes replaced by U+FFFD. */
  flush(): string;
}

export interface GenerationRequest {
  readonly prompt: readonly number[];
  /** At least 1. */
  readonly maxTokens: number;
  readonly sampler: SamplerSettings;
  /** Ids that end the reply and are not part of its text. */
  readonly stopIds: ReadonlySet<number>;
  readonly stop: readonly string[];
  /** Absent: tokens without text. */
  readonly text?: TextStream | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Another reply to the same prompt, whose pages this one shares. */
  readonly after?: Generation | undefined;
}

export type FinishReason = "stop" | "length";

export interface GeneratedToken {
  readonly token: number;
  /** Text that became certain with this token: empty while a character or a possible stop string is incomplete. */
  readonly text: string;
}

/** Token counts, with OpenAI's names and meanings. */
export interface Usage {
  readonly prompt_tokens: number;
  /** Tokens of the reply, the one that ended it included. */
  readonly completion_tokens: number;
  readonly total_tokens: number;
  /** Prompt tokens that did not have to be computed again. */
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export interface Timings {
  /** From the request to the first token, waiting for a slot included. */
  readonly timeToFirstTokenMs: number;
  /** From the first prompt row to the first token. */
  readonly prefillMs: number;
  /** Prompt rows computed: the prompt without what was cached. */
  readonly prefilledRows: number;
  /** Over the tokens after the first; 0 when there is only one. */
  readonly decodeTokensPerSecond: number;
  /** The page was hidden during part of it. Browsers slow hidden pages down: these times say little then. */
  readonly throttled: boolean;
}

export interface GenerationResult {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly timings: Timings;
}

/** A reply in progress. It runs whether or not it is read; leaving the iteration early aborts it. */
export interface Generation extends AsyncIterable<GeneratedToken> {
  /** Rejects with code `aborted`, `disposed`, `device-lost`, ... */
  readonly result: Promise<GenerationResult>;
  readonly run: Run;
}

/** Starts a reply. Errors arrive by the iteration and by `result`, never from here. */
export function startGeneration(scheduler: Scheduler, request: GenerationRequest): Generation {
  const { stopIds, signal, text: stream } = request;
  const stops = new StopStrings(request.stop);
  const queue = new AsyncQueue<GeneratedToken>(() => cancel());
  let resolve: (result: GenerationResult) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const result = new Promise<GenerationResult>((...settle) => ([resolve, reject] = settle));
  result.catch(() => undefined); // whoever only iterates gets the error there
  let text = "";
  let finishReason: FinishReason = "length";

  function onToken(token: number, last: boolean): boolean {
    const ends = stopIds.has(token);
    const step = stops.push(ends ? "" : (stream?.push(token) ?? ""));
    let shown = step.text;
    if (!step.stopped && (ends || last)) {
      const rest = stops.push(stream?.flush() ?? "");
      shown += rest.stopped ? rest.text : rest.text + stops.flush();
      if (rest.stopped) finishReason = "stop";
    }
    if (ends || step.stopped) finishReason = "stop";
    text += shown;
    queue.push({ token, text: shown });
    return ends || step.stopped;
  }

  function onEnd(error?: Error): void {
    signal?.removeEventListener("abort", cancel);
    if (error) reject(error);
    else resolve({ text, tokens: run.reply, finishReason, usage: usageOf(run), timings: timingsOf(run) });
    queue.close(error);
  }

  function cancel(): void {
    scheduler.cancel(run, new FennecError("aborted", "the request was aborted", { cause: signal?.reason }));
  }

  const after = request.after && { after: request.after.run };
  const { prompt, maxTokens, sampler } = request;
  const run = scheduler.start({ prompt, maxTokens, sampler, onToken, onEnd, ...after });
  if (signal?.aborted) cancel();
  else signal?.addEventListener("abort", cancel, { once: true });
  return { result, run, [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator]() };
}

function usageOf({ job, reply, stats }: Run): Usage {
  return {
    prompt_tokens: job.prompt.length,
    completion_tokens: reply.length,
    total_tokens: job.prompt.length + reply.length,
    prompt_tokens_details: { cached_tokens: stats.cachedTokens },
  };
}

function timingsOf({ reply, stats }: Run): Timings {
  const { queuedAt, startedAt = queuedAt, firstTokenAt = startedAt, lastTokenAt = firstTokenAt } = stats;
  const decodeMs = lastTokenAt - firstTokenAt;
  return {
    timeToFirstTokenMs: firstTokenAt - queuedAt,
    prefillMs: firstTokenAt - startedAt,
    prefilledRows: stats.prefilledRows,
    decodeTokensPerSecond: decodeMs > 0 ? ((reply.length - 1) * 1000) / decodeMs : 0,
    throttled: stats.throttled,
  };
}
