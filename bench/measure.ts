// One engine's speeds, as llama-bench has them: prompts of a length and replies of a length, each at depths. Every depth
// is warmed up first; what is warmed up does not count.

import type { FennecEngine } from "../src/api/surface";
import type { Counters } from "../src/backends/backend";
import type { Timings } from "../src/engine/generation";
import { tokenStream } from "./token_stream";

export interface Sizes {
  /** Tokens of prompts; 0 measures none. */
  readonly prompt: number;
  /** Tokens of replies; 0 measures none. */
  readonly gen: number;
  /** Tokens in the context before either begins. */
  readonly depths: readonly number[];
  /** Replies at once. */
  readonly batches: readonly number[];
  /** Measurements of each, of which the median counts. */
  readonly repeat: number;
}

export interface Measured {
  readonly test: "prompt" | "reply";
  readonly tokens: number;
  readonly depth: number;
  readonly batch: number;
  /** Tokens a second of all sequences together, one per repeat. */
  readonly samples: readonly number[];
  /** Of the measurement: per token of a reply (all sequences of a step together), or for a whole prompt. */
  readonly counters: Counters;
}

interface Work {
  readonly engine: FennecEngine;
  readonly sizes: Sizes;
  readonly signal: AbortSignal;
  readonly onProgress: (what: string) => void;
  /** Called when a test is warmed up and its measurements begin. */
  readonly onMeasure?: () => void;
}

/** Yields each row as soon as it is measured, so that what is interrupted keeps what it has. */
export async function* measureEngine(work: Work): AsyncGenerator<Measured> {
  const { engine, sizes } = work;
  const ids = tokenStream(engine.model.vocab);
  let part = 10;
  for (const depth of sizes.depths) {
    const before = ids(1, depth);
    const start = (tail: number, tokens: number) => generate(work, [...before, ...ids(part++, tail)], tokens);
    const name = depth ? ` at depth ${depth}` : "";
    if (sizes.prompt > 0) {
      work.onProgress(`warming up prompts${name} ...`);
      await start(sizes.prompt, 1);
      work.onMeasure?.();
      const runs: Run[] = [];
      for (let i = 0; i < sizes.repeat; i++) {
        work.onProgress(`prompt ${i + 1} of ${sizes.repeat}${name} ...`);
        runs.push(await start(sizes.prompt, 1));
      }
      yield {
        test: "prompt",
        tokens: sizes.prompt,
        depth,
        batch: 1,
        samples: runs.map(({ timings }) => (timings.prefilledRows * 1000) / timings.prefillMs),
        counters: runs[0]!.counters,
      };
    }
    if (sizes.gen === 0) continue;
    for (const batch of sizes.batches) {
      work.onProgress(`warming up replies${name} ...`);
      const prompts = () => Array.from({ length: batch }, () => [...before, ...ids(part++, 1)]);
      await replies(work, prompts(), Math.min(8, sizes.gen));
      const half = await replies(work, prompts(), Math.max(1, sizes.gen >> 1));
      work.onMeasure?.();
      const runs: Replies[] = [];
      for (let i = 0; i < sizes.repeat; i++) {
        work.onProgress(`reply ${i + 1} of ${sizes.repeat}${name}${batch > 1 ? `, ${batch} at once` : ""} ...`);
        runs.push(await replies(work, prompts(), sizes.gen));
      }
      // Two rounds of prompts of one length differ in nothing but the steps between.
      const steps = sizes.gen - Math.max(1, sizes.gen >> 1);
      yield {
        test: "reply",
        tokens: sizes.gen,
        depth,
        batch,
        samples: runs.map(({ tokensPerSecond }) => tokensPerSecond),
        counters: mapCounters(difference(runs[0]!.counters, half.counters), (n) => (steps > 0 ? n / steps : n)),
      };
    }
  }
}

interface Run {
  readonly timings: Timings;
  readonly counters: Counters;
}

async function generate({ engine, signal }: Work, prompt: readonly number[], tokens: number): Promise<Run> {
  const before = { ...engine.backend.counters };
  const { timings } = await engine.generate(prompt, options(tokens, signal)).result;
  return { timings, counters: difference(engine.backend.counters, before) };
}

interface Replies {
  readonly tokensPerSecond: number;
  readonly counters: Counters;
}

/** `gen` tokens after the first one of each prompt, all at once. */
async function replies({ engine, signal }: Work, prompts: readonly number[][], gen: number): Promise<Replies> {
  const before = { ...engine.backend.counters };
  const arrivals = await Promise.all(
    prompts.map(async (prompt) => {
      const generation = engine.generate(prompt, options(gen + 1, signal));
      if (prompts.length === 1) return [(await generation.result).timings.decodeTokensPerSecond];
      const times: number[] = [];
      for await (const _ of generation) times.push(performance.now());
      return times;
    }),
  );
  const counters = difference(engine.backend.counters, before);
  if (prompts.length === 1) return { tokensPerSecond: arrivals[0]![0]!, counters };
  return { tokensPerSecond: togetherPerSecond(arrivals), counters };
}

/**
 * Tokens a second while all sequences run: from when the last one has its first token until the first one is done.
 * @param arrivals When each token of each sequence arrived, milliseconds.
 */
export function togetherPerSecond(arrivals: readonly (readonly number[])[]): number {
  const from = Math.max(...arrivals.map((times) => times[0]!));
  const to = Math.min(...arrivals.map((times) => times.at(-1)!));
  const inside = arrivals.reduce((sum, times) => sum + times.filter((at) => at > from && at <= to).length, 0);
  return to > from ? (1000 * inside) / (to - from) : 0;
}

const options = (maxTokens: number, signal: AbortSignal) => ({
  temperature: 0,
  maxTokens,
  ignoreStopTokens: true,
  signal,
});

function difference(after: Counters, before: Counters): Counters {
  const entries = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Counters]]);
  return Object.fromEntries(entries) as unknown as Counters;
}

function mapCounters(counters: Counters, change: (count: number) => number): Counters {
  return Object.fromEntries(Object.entries(counters).map(([name, n]) => [name, change(n)])) as unknown as Counters;
}
