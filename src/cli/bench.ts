// fennec bench: how fast a model runs here, what each token costs, and a hash of logits that tells a fast wrong kernel
// from a fast right one.

import type { FennecEngine } from "../api/surface";
import type { Counters } from "../backends/backend";
import type { Timings } from "../engine/generation";
import { inspectFile } from "../files/inspect";
import type { WeightsFile } from "../files/weights_file";
import { type Args, type Command, table } from "./command";
import { rounded } from "./format";
import type { Io } from "./io";
import { runOptions, withEngine, withHeader } from "./model_file";

export const bench: Command = {
  name: "bench",
  summary: "Speed of prompt and reply, cost of each token, hash of logits.",
  model: true,
  options: {
    "prompt-tokens": { value: "N", help: "length of the prompt; default 512" },
    "gen-tokens": { value: "N", help: "length of the reply; default 128" },
    depth: { value: "N", help: "tokens in the context before either begins; default 0" },
    repeat: { value: "N", help: "measurements of each, of which the median counts; default 3" },
    ...runOptions,
    json: { help: "as JSON" },
  },
  async run(args, io) {
    const facts = await withHeader(args, io, factsOf);
    const sizes = clamp(sizesOf(args), facts.context, io);
    const context = sizes.depth + Math.max(sizes.prompt, sizes.gen + 1) + 1;
    await withEngine(args, io, { context }, async (engine) => {
      const report = await measure(engine, sizes, facts, io);
      await io.out(args.has("json") ? `${JSON.stringify(report)}\n` : describe(report));
    });
  },
};

interface Sizes {
  readonly prompt: number;
  readonly gen: number;
  readonly depth: number;
  readonly repeat: number;
}

/** What the file says that the speeds are related to. */
interface Facts {
  readonly context: number;
  /** Weight bytes that one token reads: all but an embedding that is only looked up in. */
  readonly bytesPerToken: number;
  /** KV bytes that one token reads per token of context. */
  readonly kvBytes: Readonly<Record<FennecEngine["backend"]["kv"], number>>;
}

type PerToken = Readonly<
  Record<"dispatches" | "submits" | "passes" | "bind_groups" | "buffers" | "writes" | "bytes_read", number>
>;

interface Report {
  readonly model: string;
  readonly precision: string;
  /** Type of keys and values. */
  readonly kv: string;
  readonly adapter: string;
  readonly depth: number;
  readonly prefill: { readonly tokens: number; readonly tok_s: number };
  readonly decode: { readonly tokens: number; readonly tok_s: number; readonly gb_s: number };
  /** Of decoding alone. */
  readonly per_token: PerToken;
  readonly pipelines: number;
  readonly logits_hash: string;
}

function factsOf(file: WeightsFile): Facts {
  const seen = inspectFile(file, { architectures: new Set(), types: new Set() });
  const looked = file.tensors.has("output.weight") ? (file.tensors.get("token_embd.weight")?.bytes ?? 0) : 0;
  const kvF32 = seen.memory.kvBytesPerTokenF32 ?? 0;
  return {
    context: seen.contextTokens ?? 4096,
    bytesPerToken: seen.memory.weightsBytes - looked,
    kvBytes: { f64: 2 * kvF32, f32: kvF32, f16: seen.memory.kvBytesPerTokenF16 ?? 0 },
  };
}

function sizesOf(args: Args): Sizes {
  return {
    prompt: args.integer("prompt-tokens", 1) ?? 512,
    gen: args.integer("gen-tokens", 1) ?? 128,
    depth: args.integer("depth", 0) ?? 0,
    repeat: args.integer("repeat", 1) ?? 3,
  };
}

function clamp(asked: Sizes, context: number, io: Io): Sizes {
  const depth = Math.min(asked.depth, Math.max(0, context - 3));
  const room = Math.max(1, context - depth - 2);
  const sizes = { ...asked, depth, prompt: Math.min(asked.prompt, room), gen: Math.min(asked.gen, room) };
  for (const name of ["depth", "prompt", "gen"] as const) {
    if (sizes[name] < asked[name]) {
      io.note(`fennec bench: ${name} is ${sizes[name]} tokens instead of ${asked[name]}: the context holds ${context}`);
    }
  }
  return sizes;
}

async function measure(engine: FennecEngine, sizes: Sizes, facts: Facts, io: Io): Promise<Report> {
  const { prompt, gen, depth, repeat } = sizes;
  const ids = tokenStream(engine.model.vocab);
  const before = ids(0, depth);
  const run = async (tail: readonly number[], tokens: number): Promise<Run> => {
    const counters = { ...engine.backend.counters };
    const generation = engine.generate([...before, ...tail], {
      temperature: 0,
      maxTokens: tokens,
      ignoreStopTokens: true,
      signal: io.signal,
    });
    const { timings } = await generation.result;
    return { timings, counters: difference(engine.backend.counters, counters) };
  };

  io.progress("warming up ...");
  await run(ids(1, prompt), 1);
  await run(ids(2, 1), Math.min(8, gen + 1));
  const half = await run(ids(3, 1), Math.floor(gen / 2) + 1);
  const prefills: Run[] = [];
  const decodes: Run[] = [];
  for (let i = 0; i < repeat; i++) {
    io.progress(`measuring ${i + 1} of ${repeat} ...`);
    prefills.push(await run(ids(10 + 2 * i, prompt), 1));
    decodes.push(await run(ids(11 + 2 * i, 1), gen + 1));
  }
  const hash = await hashOf(await engine.logits(ids(4, Math.min(16, engine.context)), { signal: io.signal }));
  io.progress(undefined);

  const { precision, kv, adapter } = engine.backend;
  const speed = median(decodes.map(({ timings }) => timings.decodeTokensPerSecond));
  const bytesPerToken = facts.bytesPerToken + facts.kvBytes[kv] * (depth + 1 + gen / 2);
  return {
    model: engine.model.name,
    precision,
    kv,
    adapter,
    depth,
    prefill: {
      tokens: prompt,
      tok_s: rounded(median(prefills.map(({ timings }) => (timings.prefilledRows * 1000) / timings.prefillMs))),
    },
    decode: { tokens: gen, tok_s: rounded(speed), gb_s: rounded((speed * bytesPerToken) / 1e9, 4) },
    // Two replies to prompts of one length differ in nothing but the tokens between.
    per_token: perToken(decodes[0]!.counters, half.counters, gen - Math.floor(gen / 2)),
    pipelines: engine.backend.counters.pipelines,
    logits_hash: hash,
  };
}

interface Run {
  readonly timings: Timings;
  readonly counters: Counters;
}

/** Token ids that look random and are the same everywhere; another `part` begins with another token. */
function tokenStream(vocab: number): (part: number, length: number) => number[] {
  return (part, length) => {
    let state = (part * 0x9e3779b9) >>> 0;
    return Array.from({ length }, (_, i) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return i === 0 ? part % vocab : (state >>> 8) % vocab;
    });
  };
}

function difference(after: Counters, before: Counters): Counters {
  const entries = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Counters]]);
  return Object.fromEntries(entries) as Counters;
}

function perToken(long: Counters, short: Counters, tokens: number): PerToken {
  const per = (...names: readonly (keyof Counters)[]): number =>
    rounded(names.reduce((sum, name) => sum + long[name] - short[name], 0) / tokens, 4);
  return {
    dispatches: per("dispatches"),
    submits: per("submits"),
    passes: per("passes"),
    bind_groups: per("bindGroups"),
    buffers: per("buffers"),
    writes: per("pageWrites", "batchWrites", "slotWrites", "otherWrites"),
    bytes_read: per("bytesRead"),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function hashOf(values: Float32Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Float32Array(values));
  return [...new Uint8Array(digest, 0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function describe(report: Report): string {
  const { prefill, decode, per_token: cost } = report;
  return table([
    ["model", `${report.model}, ${report.precision}, keys and values in ${report.kv}`],
    ["adapter", report.adapter],
    ["prompt", `${prefill.tok_s} tokens a second (${prefill.tokens} tokens at depth ${report.depth})`],
    ["reply", `${decode.tok_s} tokens a second, ${decode.gb_s} GB/s (${decode.tokens} tokens)`],
    [
      "per token",
      `${cost.submits} submits, ${cost.passes} passes, ${cost.dispatches} dispatches, ${cost.writes} writes`,
    ],
    ["", `${cost.bind_groups} bind groups, ${cost.buffers} buffers, ${cost.bytes_read} bytes read back`],
    ["pipelines", String(report.pipelines)],
    ["logits", report.logits_hash],
  ]);
}
