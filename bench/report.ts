// What the benchmark gives out: rows as JSON, and the same as a table in Markdown.

import type { DeviceCosts } from "./floor";
import type { KernelTime } from "./profile";

export interface PerToken {
  readonly dispatches: number;
  readonly submits: number;
  readonly passes: number;
  readonly bind_groups: number;
  readonly buffers: number;
  readonly writes: number;
  readonly bytes_read: number;
}

export interface Row {
  readonly model: string;
  readonly file_bytes: number;
  readonly parameters: number;
  readonly backend: string;
  readonly adapter: string;
  /** Drawn by the processor. */
  readonly software: boolean;
  readonly precision: string;
  /** Type of keys and values. */
  readonly kv: string;
  /** What matrices are multiplied with in decoding. */
  readonly activations: string;
  /** As llama-bench names them: `pp512`, `tg128`, `tg128 @ d4096`; `tg128 x4` is four replies at once. */
  readonly test: string;
  readonly depth: number;
  readonly batch: number;
  /** Median of all repeats; of all sequences together. */
  readonly tok_s: number;
  readonly samples: readonly number[];
  /** Of a step of decoding, or of a whole prompt: bytes that have to be read, and how many of them a second were. */
  readonly bytes: number;
  readonly gb_s: number;
  /** f32 operations a second, prompts alone. */
  readonly gflop_s?: number;
  /** Of a step of decoding; of a whole prompt for prompts. */
  readonly per_token: PerToken;
  /** Least seconds that the device's costs allow, and how much of the time taken that is; null without costs. */
  readonly floor_seconds: number | null;
  readonly percent_of_floor: number | null;
  /** Bytes of the backend (`other` is what of the wasm heap is neither weights nor keys and values), and of the process at most. */
  readonly memory: Record<"weights" | "kv" | "other" | "process", number>;
  /** From a prompt to the first token, without the tokenizer; prompts alone. */
  readonly first_token_ms?: number;
  readonly logits_hash: string;
  readonly top1: { readonly agreeing: number; readonly positions: number; readonly against: string };
  /** Where the time goes, for rows far from the floor or when asked for. */
  readonly profile?: readonly KernelTime[];
}

export interface Report {
  readonly date: string;
  readonly fennec: string;
  readonly runtime: string;
  readonly system: string;
  /** Switches of Dawn that were set. */
  readonly dawn: readonly string[];
  /** Null where no WebGPU was measured. */
  readonly device: DeviceCosts | null;
  readonly rows: readonly Row[];
  /** What was measured and is not reported, and why. */
  readonly refused: readonly { readonly model: string; readonly reason: string }[];
}

export function testName(test: "prompt" | "reply", tokens: number, depth: number, batch: number): string {
  const times = batch > 1 ? ` x${batch}` : "";
  return `${test === "prompt" ? "pp" : "tg"}${tokens}${times}${depth > 0 ? ` @ d${depth}` : ""}`;
}

/** To so many significant digits. */
export function rounded(value: number, digits = 4): number {
  return Number(value.toPrecision(digits));
}

export function reportText(report: Report): string {
  const { device, rows, refused } = report;
  const head = [
    `Fennec ${report.fennec}, ${report.runtime}, ${report.system}, ${report.date}`,
    ...(report.dawn.length > 0 ? [`Dawn: ${report.dawn.join(" ")}`] : []),
    ...(device ? [deviceText(device)] : []),
  ];
  const memory = rows.filter(({ backend }) => backend === "onnx").map(memoryText);
  const profiles = rows.filter(({ profile }) => profile).map(profileText);
  const wrong = refused.map(({ model, reason }) => `Not reported: ${model}: ${reason}`);
  return `${[...head, "", rowTable(rows), ...memory, ...profiles, ...wrong].join("\n")}\n`;
}

function deviceText(device: DeviceCosts): string {
  const micro = (seconds: number) => `${rounded(seconds * 1e6, 3)} us`;
  const lines = [
    `Adapter: ${device.adapter}${device.software ? " (SOFTWARE: ranks barriers, not bytes; says nothing about a GPU)" : ""}`,
    `Copy ${rounded(device.copyBytesPerSecond / 1e9, 3)} GB/s, read ${rounded(device.readBytesPerSecond / 1e9, 3)} GB/s, ` +
      `f32 ${rounded(device.flopsPerSecond / 1e12, 3)} TFLOP/s, dependent dispatch ${micro(device.boundarySeconds)} (by the ` +
      `${device.boundaryClock === "gpu" ? "GPU's clock" : "host's clock"}), encode ${micro(device.encodeSeconds)} a dispatch, ` +
      `submit ${micro(device.submitSeconds)}, readback ${micro(device.readbackSeconds)}`,
  ];
  return lines.join("\n");
}

const HEADINGS = ["model", "size", "mode", "test", "tok/s", "GB/s", "dispatches", "% of floor", "top-1", "logits"];

export function rowTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.model,
    `${rounded(row.file_bytes / 1e6, 3)} MB`,
    `${row.backend} ${row.precision}, KV ${row.kv}${row.activations === "f32" ? "" : `, x ${row.activations}`}`,
    row.test,
    String(row.tok_s),
    String(row.gb_s),
    String(row.per_token.dispatches),
    row.percent_of_floor === null ? "-" : `${row.percent_of_floor}${row.software ? " (software)" : ""}`,
    `${row.top1.agreeing}/${row.top1.positions} ${row.top1.against}`,
    row.logits_hash,
  ]);
  return markdownTable(HEADINGS, cells);
}

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(headings), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n");
}

function memoryText({ model, test, adapter, memory, first_token_ms }: Row): string {
  const megabytes = (bytes: number) => `${rounded(bytes / 1e6, 3)} MB`;
  const { weights, kv, other } = memory;
  const first = first_token_ms === undefined ? "" : `first token after ${first_token_ms} ms; `;
  return (
    `${model}, ${test}: ${first}weights ${megabytes(weights)}, keys and values ${megabytes(kv)}, other ${megabytes(other)}, ` +
    `process at most ${megabytes(memory.process)} (${adapter})`
  );
}

/** Kernels beyond these are one line. */
const SHOWN_KERNELS = 12;

function profileText({ model, test, profile = [] }: Row): string {
  const total = profile.reduce((sum, { seconds }) => sum + seconds, 0);
  const shown = profile.slice(0, SHOWN_KERNELS);
  const rest = profile.slice(SHOWN_KERNELS);
  const restSeconds = rest.reduce((sum, { seconds }) => sum + seconds, 0);
  const row = (name: string, dispatches: number, seconds: number) => [
    name,
    String(dispatches),
    rounded(seconds * 1e3, 3).toString(),
    `${rounded((100 * seconds) / total, 3)} %`,
  ];
  const rows = shown.map(({ kernel, dispatches, seconds }) => row(kernel, dispatches, seconds));
  if (rest.length > 0)
    rows.push(
      row(
        "others",
        rest.reduce((sum, { dispatches }) => sum + dispatches, 0),
        restSeconds,
      ),
    );
  return `\nGPU time by kernel, ${model}, ${test}\n\n${markdownTable(["kernel", "dispatches", "ms", "share"], rows)}`;
}
