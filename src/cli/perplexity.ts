// fennec perplexity: how well a model foretells a text. Lower is better; numbers compare between weight types of one
// model, and with llama.cpp's, not between models with different vocabularies.
//
// Source of the method: tools/perplexity of llama.cpp.

import { readFile } from "node:fs/promises";
import type { FennecEngine } from "../api/surface";
import { FennecError } from "../errors";
import { reasonOf } from "../files/source_util";
import { type Command, usage } from "./command";
import { rounded } from "./format";
import { runOptions, withEngine, withHeader } from "./model_file";

const DEFAULT_WINDOW = 256;

export const perplexity: Command = {
  name: "perplexity",
  summary: "How well a model foretells a text, as llama.cpp measures it.",
  model: true,
  options: {
    file: { value: "F", help: "the text; - is the input" },
    ctx: {
      value: "N",
      help:
        "tokens per window; default 256, or the model's context where that is less. The text is cut into windows of N " +
        "tokens, a rest is left out; BOS, where the file has one, takes the place of each window's first token; the " +
        "tokens of each window's second half are scored",
    },
    windows: { value: "K", help: "the first K windows only" },
    ...runOptions,
    json: { help: "as JSON" },
  },
  async run(args, io) {
    const path = args.text("file");
    if (path === undefined) throw usage("name the text by --file F");
    const asked = args.integer("ctx", 4);
    const most = args.integer("windows", 1);
    const text = path === "-" ? await io.readInput() : await textOf(path);
    const context = await withHeader(args, io, ({ metadata }) => {
      const length = metadata.get(`${String(metadata.get("general.architecture"))}.context_length`);
      return typeof length === "number" ? length : DEFAULT_WINDOW;
    });
    if (asked !== undefined && asked > context) throw usage(`--ctx is ${asked}; the model's context is ${context}`);
    const window = asked ?? Math.min(DEFAULT_WINDOW, context);
    await withEngine(args, io, { precision: "exact", context: window }, async (engine) => {
      const found = await measurePerplexity(engine, text, {
        window,
        signal: io.signal,
        ...(most !== undefined && { windows: most }),
        onWindow: (done, all, value) => io.progress(`window ${done} of ${all}  perplexity ${value.toFixed(4)}`),
      });
      io.progress(undefined);
      const { kind, precision } = engine.backend;
      const report = { model: engine.model.name, backend: kind, precision, ...found };
      const { perplexity: value, deviation, windows, scored } = found;
      await io.out(
        args.has("json")
          ? `${JSON.stringify(report)}\n`
          : `perplexity ${value.toFixed(4)} +/- ${rounded(deviation, 3)}  (${windows} windows of ${window} tokens, ${scored} scored)\n`,
      );
    });
  },
};

export interface PerplexityOptions {
  /** Tokens, at least 4. */
  readonly window: number;
  /** The first so many windows; all when absent. */
  readonly windows?: number;
  readonly signal?: AbortSignal;
  readonly onWindow?: (done: number, all: number, perplexity: number) => void;
}

export interface Perplexity {
  /** exp of the mean negative log likelihood. */
  readonly perplexity: number;
  /** Standard error of it. */
  readonly deviation: number;
  readonly window: number;
  readonly windows: number;
  /** Tokens that count. */
  readonly scored: number;
}

/** @throws FennecError `invalid-argument` for a text shorter than a window; otherwise as `Engine.logits`. */
export async function measurePerplexity(
  engine: Pick<FennecEngine, "tokenizer" | "logits" | "model">,
  text: string,
  { window, windows: most = Infinity, signal, onWindow }: PerplexityOptions,
): Promise<Perplexity> {
  const { tokenizer } = engine;
  const ids = tokenizer.encode(text, { bos: true });
  const bos = tokenizer.addBos ? tokenizer.bosId : undefined;
  const all = Math.min(most, Math.floor(ids.length / window));
  if (all === 0) {
    throw new FennecError(
      "invalid-argument",
      `the text has ${ids.length} tokens, fewer than a window of ${window}; give a longer text or a smaller --ctx`,
    );
  }
  let sum = 0;
  let squares = 0;
  let scored = 0;
  for (let done = 0; done < all; done++) {
    const tokens = ids.slice(done * window, (done + 1) * window);
    if (bos !== undefined) tokens[0] = bos;
    const logits = await engine.logits(tokens, { all: true, ...(signal && { signal }) });
    for (let row = window >> 1; row < window - 1; row++) {
      const loss = lossOf(logits.subarray(row * engine.model.vocab, (row + 1) * engine.model.vocab), tokens[row + 1]!);
      sum += loss;
      squares += loss * loss;
      scored++;
    }
    onWindow?.(done + 1, all, Math.exp(sum / scored));
  }
  const mean = sum / scored;
  const variance = Math.max(0, squares / scored - mean * mean);
  const perplexity = Math.exp(mean);
  return { perplexity, deviation: perplexity * Math.sqrt(variance / scored), window, windows: all, scored };
}

/** Negative log likelihood of a token, nats. */
function lossOf(logits: Float32Array, token: number): number {
  let most = -Infinity;
  for (const logit of logits) most = Math.max(most, logit);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return Math.log(sum) + most - logits[token]!;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new FennecError("source-unreadable", `${path}: cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}
