// Medians over the rounds, and how the engines stand to each other.

import { median } from "../statistics";
import type { BenchResult, ContenderResult, TestName } from "./result";

export interface Speeds {
  /** Tokens a second. */
  readonly prompt: number | undefined;
  readonly reply: number | undefined;
  /** Milliseconds to the first token of a short prompt. */
  readonly firstTokenMs: number | undefined;
}

export function speedsOf({ runs }: ContenderResult): Speeds {
  const of = (test: TestName) => runs.filter((run) => run.test === test);
  const middle = (values: readonly number[]) => (values.length > 0 ? median(values) : undefined);
  return {
    prompt: middle(of("prompt").map(({ tokensPerSecond }) => tokensPerSecond)),
    reply: middle(of("reply").map(({ tokensPerSecond }) => tokensPerSecond)),
    firstTokenMs: middle(of("reply").map(({ firstTokenMs }) => firstTokenMs)),
  };
}

/**
 * How many times as fast one engine is as another: the median over rounds of the ratio within a round, so that what slows
 * a whole round drops out. Undefined where they share no round.
 */
export function ratio(a: ContenderResult, b: ContenderResult, test: TestName): number | undefined {
  const ratios = a.runs.flatMap((run) => {
    const other = b.runs.find(({ round, test: of }) => round === run.round && of === test);
    return run.test === test && other && other.tokensPerSecond > 0 ? [run.tokensPerSecond / other.tokensPerSecond] : [];
  });
  return ratios.length > 0 ? median(ratios) : undefined;
}

/** The result as a table in Markdown. */
export function summaryTable(result: BenchResult): string {
  const base = result.contenders.find(({ error }) => error === undefined);
  const rows = result.contenders.map((contender) => {
    if (contender.error !== undefined) return [contender.name, contender.weights, `failed: ${contender.error}`];
    const { prompt, reply, firstTokenMs } = speedsOf(contender);
    const times = base && base !== contender ? ratio(base, contender, "reply") : undefined;
    const timesPrompt = base && base !== contender ? ratio(base, contender, "prompt") : undefined;
    return [
      `${contender.name} ${contender.version}`,
      contender.weights,
      short(prompt),
      short(reply),
      short(firstTokenMs),
      times === undefined ? "" : `${short(timesPrompt)} / ${short(times)}`,
      agreementText(contender),
      contender.loadMs === undefined ? "" : short(contender.loadMs),
      contender.gpuBytes ? short(contender.gpuBytes / 1e6) : "",
      contender.gpuCalls ? `${short(contender.gpuCalls.dispatches)} / ${short(contender.gpuCalls.submits)}` : "",
    ];
  });
  const headings = [
    "engine",
    "weights",
    "prompt tok/s",
    "reply tok/s",
    "first token ms",
    `${base?.name ?? "first"} is faster by (prompt / reply)`,
    "agrees",
    "load ms",
    "GPU MB",
    "dispatches / submits a token",
  ];
  const line = (cells: readonly string[]) => `| ${headings.map((_, i) => cells[i] ?? "").join(" | ")} |`;
  return [line(headings), `|${headings.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

export function agreementText({ agreement }: ContenderResult): string {
  if (!agreement) return "";
  const { agreeing, tokens, sameWeights } = agreement;
  const text = agreeing === tokens ? `${tokens} of ${tokens}` : `${agreeing} of ${tokens}`;
  return sameWeights ? text : `${text} (other weights)`;
}

/** Three digits, two below one, without an exponent. */
export function short(value: number | undefined): string {
  if (value === undefined) return "";
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}
