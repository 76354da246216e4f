// The result file: everything that a run measured, and where. It can be saved, sent, and opened in this page again; what
// is opened comes from strangers and is checked field by field.

/** Which of the two things a run measures. */
export type TestName = "prompt" | "reply";

export interface RunTiming {
  /** From 0. */
  readonly round: number;
  /** Place in the round: the order changes from round to round. */
  readonly place: number;
  readonly test: TestName;
  readonly promptTokens: number;
  readonly replyTokens: number;
  /** From the request to the first token on the page, milliseconds. */
  readonly firstTokenMs: number;
  /** Tokens a second: of the prompt up to the first token, or of the reply after it. */
  readonly tokensPerSecond: number;
}

export interface Agreement {
  /** Tokens of the reference's reply that this one begins with. */
  readonly agreeing: number;
  /** Tokens of the reference's reply. */
  readonly tokens: number;
  /** The other weights make another reply right too: a difference says nothing. */
  readonly sameWeights: boolean;
}

/** Calls of WebGPU for one token of a reply. */
export interface GpuCalls {
  readonly dispatches: number;
  readonly submits: number;
  readonly bindGroups: number;
  readonly buffers: number;
}

export interface ContenderResult {
  readonly id: string;
  /** `Fennec, WebGPU`. */
  readonly name: string;
  readonly version: string;
  /** What it ran: `model.gguf`, or `folder (q8)`. */
  readonly weights: string;
  readonly runsOn: "gpu" | "cpu";
  /** Why there are no numbers. */
  readonly error?: string;
  readonly loadMs?: number;
  /** Bytes of GPU buffers that it holds. */
  readonly gpuBytes?: number;
  /** Bytes by which the page and its workers grew while it loaded, as the browser measures them. */
  readonly pageBytes?: number;
  readonly gpuCalls?: GpuCalls;
  readonly agreement?: Agreement;
  readonly runs: readonly RunTiming[];
}

export interface DeviceFacts {
  readonly userAgent: string;
  readonly cores: number;
  /** As the browser tells it, GB, rounded and capped. */
  readonly memoryGb?: number;
  readonly adapter: string;
  /** Drawn by the processor, or no adapter at all. */
  readonly fallbackAdapter: boolean;
  readonly features: readonly string[];
  readonly crossOriginIsolated: boolean;
}

export interface BenchResult {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** ISO 8601. */
  readonly date: string;
  readonly model: string;
  readonly device: DeviceFacts;
  readonly settings: {
    readonly rounds: number;
    readonly promptTokens: number;
    readonly replyTokens: number;
    readonly threads: number;
  };
  readonly reference: { readonly by: string; readonly tokens: number; readonly text: string };
  /** What makes the numbers worth less: a hidden tab, a fallback adapter. */
  readonly warnings: readonly string[];
  readonly contenders: readonly ContenderResult[];
}

export const FORMAT = "fennec-benchmark";
export const VERSION = 1;

/** Larger files are none of this page's. */
const MOST_CHARACTERS = 8e6;

/** Thrown by {@link readResult}, with the place and what is wrong there. */
export class ResultError extends Error {
  override readonly name = "ResultError";
}

export function writeResult(result: BenchResult): string {
  return `${JSON.stringify(result, null, 2)}\n`;
}

/** @throws ResultError for what is no result of this page. */
export function readResult(text: string): BenchResult {
  if (text.length > MOST_CHARACTERS)
    throw new ResultError(`the file has ${text.length} characters: too many for a result`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ResultError("the file is not JSON", { cause });
  }
  const fields = record(value, "the file");
  if (fields.format !== FORMAT) throw new ResultError("the file is no result of Fennec's benchmark page");
  if (fields.version !== VERSION) {
    throw new ResultError(`the file has version ${String(fields.version)}; this page reads version ${VERSION}`);
  }
  checkDevice(fields.device);
  const settings = record(fields.settings, "settings");
  for (const name of ["rounds", "promptTokens", "replyTokens", "threads"]) number(settings[name], `settings.${name}`);
  const reference = record(fields.reference, "reference");
  string(reference.by, "reference.by");
  string(reference.text, "reference.text");
  number(reference.tokens, "reference.tokens");
  string(fields.model, "model");
  if (Number.isNaN(Date.parse(string(fields.date, "date")))) throw new ResultError("date is no date");
  list(fields.warnings, "warnings").forEach((warning, i) => void string(warning, `warnings[${i}]`));
  list(fields.contenders, "contenders").forEach((contender, i) => void checkContender(contender, `contenders[${i}]`));
  return value as BenchResult;
}

function checkDevice(value: unknown): void {
  const device = record(value, "device");
  string(device.userAgent, "device.userAgent");
  string(device.adapter, "device.adapter");
  number(device.cores, "device.cores");
  optional(device.memoryGb, "device.memoryGb", number);
  boolean(device.fallbackAdapter, "device.fallbackAdapter");
  boolean(device.crossOriginIsolated, "device.crossOriginIsolated");
  list(device.features, "device.features").forEach((feature, i) => void string(feature, `device.features[${i}]`));
}

function checkContender(value: unknown, at: string): void {
  const contender = record(value, at);
  for (const name of ["id", "name", "version", "weights"]) string(contender[name], `${at}.${name}`);
  if (contender.runsOn !== "gpu" && contender.runsOn !== "cpu")
    throw new ResultError(`${at}.runsOn is neither gpu nor cpu`);
  optional(contender.error, `${at}.error`, string);
  for (const name of ["loadMs", "gpuBytes", "pageBytes"]) optional(contender[name], `${at}.${name}`, number);
  if (contender.gpuCalls !== undefined) {
    const calls = record(contender.gpuCalls, `${at}.gpuCalls`);
    for (const name of ["dispatches", "submits", "bindGroups", "buffers"])
      number(calls[name], `${at}.gpuCalls.${name}`);
  }
  if (contender.agreement !== undefined) {
    const agreement = record(contender.agreement, `${at}.agreement`);
    number(agreement.agreeing, `${at}.agreement.agreeing`);
    number(agreement.tokens, `${at}.agreement.tokens`);
    boolean(agreement.sameWeights, `${at}.agreement.sameWeights`);
  }
  list(contender.runs, `${at}.runs`).forEach((run, i) => void checkRun(run, `${at}.runs[${i}]`));
}

function checkRun(value: unknown, at: string): void {
  const run = record(value, at);
  if (run.test !== "prompt" && run.test !== "reply") throw new ResultError(`${at}.test is neither prompt nor reply`);
  for (const name of ["round", "place", "promptTokens", "replyTokens", "firstTokenMs", "tokensPerSecond"]) {
    number(run[name], `${at}.${name}`);
  }
}

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ResultError(`${at} is no object`);
}

function list(value: unknown, at: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ResultError(`${at} is no list`);
}

function string(value: unknown, at: string): string {
  if (typeof value === "string") return value;
  throw new ResultError(`${at} is no text`);
}

function number(value: unknown, at: string): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new ResultError(`${at} is no number of at least 0`);
}

function boolean(value: unknown, at: string): boolean {
  if (typeof value === "boolean") return value;
  throw new ResultError(`${at} is neither true nor false`);
}

function optional<T>(value: unknown, at: string, check: (value: unknown, at: string) => T): void {
  if (value !== undefined) check(value, at);
}
