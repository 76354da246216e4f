// A run: every engine is loaded and checked, then they take turns. All stay loaded, so that they share the page, its
// minutes and its heat; one that fails is told and left out.

import { agreeingTokens } from "./compare";
import type { Contender, LoadedContender, ModelFiles } from "./contender";
import { lastPart } from "./contender";
import { openReference } from "./contenders/fennec";
import { deviceFacts, HIDDEN_WARNING, pageBytes, warningsOf, watchHidden, whenVisible } from "./device_facts";
import { type GpuCounts, gpuCounts } from "./gpu_meter";
import { interleave, type Turn } from "./plan";
import { promptOfTokens } from "./prompt_text";
import type { BenchResult, ContenderResult, GpuCalls } from "./result";
import { FORMAT, VERSION } from "./result";
import { timingOf } from "./timing";

export interface RunSettings {
  readonly rounds: number;
  readonly promptTokens: number;
  readonly replyTokens: number;
  readonly threads: number;
  /** Ask the browser for its memory after each load: takes up to half a minute each. */
  readonly memory: boolean;
}

export interface RunInput {
  readonly contenders: readonly Contender[];
  readonly files: ModelFiles;
  readonly settings: RunSettings;
  readonly signal: AbortSignal;
  /** What happens now, how much of the run is done (0 to 1), and what is known so far. */
  readonly onProgress: (now: string, done: number, result: BenchResult | undefined) => void;
}

/** Prompts of replies, tokens: a reply is to be measured, not its prompt. */
const SHORT_PROMPT = 8;
/** Tokens between the two replies whose calls of WebGPU are subtracted. */
const COUNTED_TOKENS = 8;
/** Milliseconds in which an engine ends what it began ahead, before the next one's turn. */
const SETTLE_MS = 100;

interface Entry {
  readonly contender: Contender;
  readonly engine: LoadedContender | undefined;
  result: ContenderResult;
}

/** @throws what the reference throws, and `AbortError`. Errors of single engines are in their results. */
export async function runBenchmark(input: RunInput): Promise<BenchResult> {
  const { contenders, files, settings, signal, onProgress } = input;
  const device = await deviceFacts();
  const hidden = watchHidden();
  const entries: Entry[] = [];
  const context = settings.promptTokens + settings.replyTokens + 64;
  const steps = 2 + contenders.length + 2 * contenders.length * settings.rounds;
  let step = 0;
  let reference = { by: "", tokens: 0, text: "" };
  const date = new Date().toISOString();
  const soFar = (): BenchResult => ({
    format: FORMAT,
    version: VERSION,
    date,
    model: lastPart(typeof files.gguf === "string" ? files.gguf : (files.gguf?.name ?? "")),
    device,
    settings: {
      rounds: settings.rounds,
      promptTokens: settings.promptTokens,
      replyTokens: settings.replyTokens,
      threads: settings.threads,
    },
    reference,
    warnings: [...warningsOf(device), ...(hidden.wasHidden ? [HIDDEN_WARNING] : [])],
    contenders: entries.map(({ result }) => result),
  });
  const tell = (now: string) => onProgress(now, Math.min(1, step / steps), entries.length > 0 ? soFar() : undefined);
  try {
    tell("Computing the reference's reply");
    const right = await orAborted(openReference(files, context), signal);
    const prompts = await orAborted(makePrompts(right.count, settings), signal);
    const expected = await orAborted(right.reply(prompts.check, settings.replyTokens), signal);
    right.close();
    reference = { by: right.by, tokens: expected.pieces.length, text: expected.text };
    step += 2;
    for (const contender of contenders) {
      tell(`Loading ${contender.name}`);
      entries.push(await prepare(contender, input, prompts, expected.pieces, context));
      step++;
    }
    for (const turn of interleave(entries.length, settings.rounds)) {
      const entry = entries[turn.contender]!;
      step++;
      if (!entry.engine || entry.result.error !== undefined) continue;
      tell(`Round ${turn.round + 1} of ${settings.rounds}: ${entry.contender.name}, ${turn.test}`);
      await whenVisible();
      await pause(SETTLE_MS);
      signal.throwIfAborted();
      entry.result = await takeTurn(entry, turn, prompts, settings, signal);
    }
    const result = soFar();
    onProgress("Done", 1, result);
    return result;
  } finally {
    hidden.stop();
    for (const { engine } of entries) await Promise.resolve(engine?.dispose()).catch(() => undefined);
  }
}

interface Prompts {
  /** Answered by the reference too. */
  readonly check: string;
  /** By round; the last one warms up. */
  readonly long: readonly string[];
  readonly short: readonly string[];
}

async function makePrompts(count: (text: string) => Promise<number>, settings: RunSettings): Promise<Prompts> {
  const make = (from: number, tokens: number, howMany: number) =>
    Promise.all(Array.from({ length: howMany }, (_, i) => promptOfTokens(from + i, tokens, count)));
  const [check = ""] = await make(1, SHORT_PROMPT, 1);
  return {
    check,
    long: await make(100, settings.promptTokens, settings.rounds + 1),
    short: await make(1000, SHORT_PROMPT, settings.rounds + 2),
  };
}

/** Loads an engine, compares its reply, warms it up, counts its calls. */
async function prepare(
  contender: Contender,
  { files, settings, signal }: RunInput,
  prompts: Prompts,
  pieces: readonly string[],
  context: number,
): Promise<Entry> {
  const about = {
    id: contender.id,
    name: contender.name,
    version: await contender.version(),
    weights: contender.weightsOf(files) ?? "",
    runsOn: contender.runsOn,
    runs: [],
  };
  const label = `${contender.id}-${Date.now()}`;
  let engine: LoadedContender | undefined;
  try {
    const before = settings.memory ? await pageBytes() : undefined;
    const start = performance.now();
    engine = await orAborted(contender.load(files, { context, threads: settings.threads, label }), signal);
    const loadMs = performance.now() - start;
    const after = settings.memory ? await pageBytes() : undefined;
    const checked = await orAborted(engine.reply(prompts.check, settings.replyTokens, signal), signal);
    const gpuCalls = await countCalls(engine, label, prompts, signal);
    await orAborted(engine.reply(prompts.long.at(-1)!, 1, signal), signal);
    const held = contender.runsOn === "gpu" ? await gpuCounts(label) : undefined;
    // Some engines go on quietly where the adapter lacks what they need: their speed is not WebGPU's.
    if (held?.dispatches === 0) throw new Error("it made no call of WebGPU: it runs on the processor here");
    return {
      contender,
      engine,
      result: {
        ...about,
        loadMs,
        ...(before !== undefined && after !== undefined && { pageBytes: Math.max(0, after - before) }),
        ...(held && { gpuBytes: held.bytes }),
        ...(contender.runsOn === "gpu" && gpuCalls && { gpuCalls }),
        agreement: {
          agreeing: agreeingTokens(pieces, checked.text),
          tokens: pieces.length,
          sameWeights: contender.sameWeights(files),
        },
      },
    };
  } catch (error) {
    await Promise.resolve(engine?.dispose()).catch(() => undefined);
    signal.throwIfAborted();
    return { contender, engine: undefined, result: { ...about, error: messageOf(error) } };
  }
}

/** Calls of one token: those of a longer reply without those of a shorter one. */
async function countCalls(
  engine: LoadedContender,
  label: string,
  { short }: Prompts,
  signal: AbortSignal,
): Promise<GpuCalls | undefined> {
  const at: (GpuCounts | undefined)[] = [await gpuCounts(label)];
  if (!at[0]) return undefined;
  for (const [i, tokens] of [2, 2 + COUNTED_TOKENS].entries()) {
    await orAborted(engine.reply(short.at(-1 - i)!, tokens, signal), signal);
    await pause(SETTLE_MS);
    at.push(await gpuCounts(label));
  }
  const [a, b, c] = at;
  if (!a || !b || !c) return undefined;
  const per = (name: keyof GpuCalls) => Math.max(0, (c[name] - b[name] - (b[name] - a[name])) / COUNTED_TOKENS);
  return {
    dispatches: per("dispatches"),
    submits: per("submits"),
    bindGroups: per("bindGroups"),
    buffers: per("buffers"),
  };
}

async function takeTurn(
  { engine, result }: Entry,
  turn: Turn,
  prompts: Prompts,
  settings: RunSettings,
  signal: AbortSignal,
): Promise<ContenderResult> {
  const isPrompt = turn.test === "prompt";
  const prompt = (isPrompt ? prompts.long : prompts.short)[turn.round]!;
  try {
    const start = performance.now();
    const reply = await orAborted(engine!.reply(prompt, isPrompt ? 1 : settings.replyTokens, signal), signal);
    const elapsedMs = performance.now() - start;
    const planned = isPrompt ? settings.promptTokens : SHORT_PROMPT;
    return { ...result, runs: [...result.runs, timingOf(reply, turn, elapsedMs, planned)] };
  } catch (error) {
    signal.throwIfAborted();
    return { ...result, error: messageOf(error) };
  }
}

/** Minutes after which an engine that does not answer has failed: workers can end without a word. */
const PATIENCE_MINUTES = 5;

/** Rejects when the run is stopped, and when the work takes longer than anybody waits. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const late = () => reject(new Error(`no answer within ${PATIENCE_MINUTES} minutes`));
    const timer = setTimeout(late, PATIENCE_MINUTES * 60_000);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
