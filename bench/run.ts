// The benchmark as a whole: the device's costs, then model by model the speeds, their floors, and whether the logits are
// right. src/cli/bench.ts reads the options and imports this when the command runs.

import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FennecEngine } from "../src/api/surface";
import type { Activations, BackendKind, KvType, Precision } from "../src/backends/backend";
import { load, type OnnxChoice } from "../src/load";
import { openModel } from "../src/open_model";
import { type Correctness, checkLogits } from "./correctness";
import { type DeviceCosts, measureDevice } from "./floor";
import { decodeBytes, decodeFloor, prefillFloor, prefillFlops } from "./floor_model";
import { type Measured, measureEngine, type Sizes } from "./measure";
import { type ModelCosts, modelCosts } from "./model_costs";
import { type KernelTime, profiledGpu } from "./profile";
import { type PerToken, type Report, type Row, rounded, testName } from "./report";
import { type ShapeName, type ShapeType, shapeFile, writeShape } from "./shapes";
import { median } from "./statistics";

export type BenchModel = { readonly path: string } | { readonly shape: ShapeName; readonly type: ShapeType };

export interface BenchOptions {
  readonly models: readonly BenchModel[];
  readonly sizes: Sizes;
  readonly backend?: BackendKind | undefined;
  readonly precision: Precision;
  readonly kv?: KvType | undefined;
  readonly activations?: Activations | undefined;
  readonly onnx?: OnnxChoice | undefined;
  /** GPU time by kernel beside every row, not only beside those far from the floor. */
  readonly profile: boolean;
  /** Where files of shapes are made and kept. */
  readonly folder?: string | undefined;
  /** Switches of Dawn, as its `create` takes them. */
  readonly dawn: readonly string[];
  readonly version: string;
  readonly signal: AbortSignal;
  readonly onProgress: (what: string | undefined) => void;
  readonly onNote: (line: string) => void;
  /** Called with every row as soon as it is known to be right. */
  readonly onRow: (row: Row) => void | Promise<void>;
}

/** Rows below this part of the floor are profiled, on a real GPU. */
const FAR_FROM_FLOOR = 60;

/** Without it timestamps come in steps of 65 microseconds. Source: Dawn, `kTimestampQuantizationMask`. */
const FINE_TIMESTAMPS = "disable-dawn-features=timestamp_quantization";

/** @throws FennecError as `load`. */
export async function runBench(options: BenchOptions): Promise<Report> {
  const onGpu = options.backend === undefined || options.backend === "webgpu";
  const gpu = onGpu ? await benchGpu(options.dawn) : undefined;
  options.onProgress("measuring the device ...");
  const device = gpu ? await measureDevice(gpu) : null;
  const rows: Row[] = [];
  const refused: { model: string; reason: string }[] = [];
  for (const model of options.models) {
    options.signal.throwIfAborted();
    const path = await pathOf(model, options);
    const found = await benchModel(path, options, gpu, device, rows);
    if (found) refused.push(found);
  }
  options.onProgress(undefined);
  return {
    date: new Date().toISOString(),
    fennec: options.version,
    runtime: `Node ${process.version}`,
    system: `${process.platform} ${process.arch}`,
    dawn: options.dawn,
    device,
    rows,
    refused,
  };
}

async function benchGpu(dawn: readonly string[]): Promise<GPU | undefined> {
  const own: GPU | undefined = typeof navigator === "undefined" ? undefined : navigator.gpu;
  if (own) return own;
  const { dawnGpu } = await import("../src/node/dawn");
  return dawnGpu([FINE_TIMESTAMPS, ...dawn]);
}

async function pathOf(model: BenchModel, { folder, onProgress }: BenchOptions): Promise<string> {
  if ("path" in model) return model.path;
  onProgress(`making ${model.shape} in ${model.type} ...`);
  return writeShape(shapeFile(model.shape, model.type), folder ?? join(tmpdir(), "fennec-bench"));
}

/** Measures one model into `rows`. @returns Why its rows are not reported. */
async function benchModel(
  path: string,
  options: BenchOptions,
  gpu: GPU | undefined,
  device: DeviceCosts | null,
  rows: Row[],
): Promise<{ model: string; reason: string } | undefined> {
  const { signal, onNote, onProgress } = options;
  const costs = await costsOf(path, signal);
  onProgress(`loading ${path} ...`);
  const engine = await open(path, options, gpu, costs);
  try {
    const { name } = engine.model;
    const sizes = clamp(options.sizes, engine.context, onNote);
    onProgress(`${name}: checking logits ...`);
    const correct = await checkLogits({ engine, parameters: costs.parameters, path, gpu, signal });
    if (!correct.right) {
      const { agreeing, positions, against } = correct;
      return { model: name, reason: `the top token is that of ${against} at ${agreeing} of ${positions} positions` };
    }
    const far: Row[] = [];
    for await (const measured of measureEngine({
      engine,
      sizes,
      signal,
      onProgress: (what) => onProgress(`${name}: ${what}`),
    })) {
      const row = rowOf(measured, engine, costs, device, correct);
      const low = device && !device.software && (row.percent_of_floor ?? 100) < FAR_FROM_FLOOR;
      if (options.profile || low) far.push(row);
      rows.push(row);
      await options.onRow(row);
    }
    if (far.length > 0 && gpu && engine.backend.kind === "webgpu") {
      engine.dispose();
      await addProfiles(path, far, rows, options, gpu, costs);
    }
    return undefined;
  } finally {
    engine.dispose();
  }
}

async function costsOf(path: string, signal: AbortSignal): Promise<ModelCosts> {
  const file = await openModel(path, { signal });
  try {
    return modelCosts(file);
  } finally {
    file.dispose();
  }
}

function open(path: string, options: BenchOptions, gpu: GPU | undefined, costs: ModelCosts): Promise<FennecEngine> {
  const { sizes, backend, precision, kv, activations, onnx, signal } = options;
  const slots = Math.max(...sizes.batches);
  const longest = Math.max(...sizes.depths) + Math.max(sizes.prompt, sizes.gen + 1) + 2;
  const context = Math.min(longest, costs.context);
  return load(path, {
    slots,
    context,
    // Each sequence may need pages of its own after the common depth.
    kvTokens: context + (slots - 1) * (sizes.gen + 64),
    precision,
    signal,
    ...(backend && { backend }),
    ...(kv && { kv }),
    ...(activations && { activations }),
    ...(onnx && { onnx }),
    ...(gpu && { gpu }),
  });
}

/** Sizes that fit the context, with what was made smaller told. */
export function clamp(asked: Sizes, context: number, note: (line: string) => void): Sizes {
  const told = (name: string, from: number, to: number): number => {
    if (to < from) note(`fennec bench: ${name} is ${to} tokens instead of ${from}: the context holds ${context}`);
    return to;
  };
  const depths = [
    ...new Set(asked.depths.map((depth) => told("depth", depth, Math.min(depth, Math.max(0, context - 3))))),
  ];
  const room = Math.max(1, context - Math.max(...depths) - 2);
  const prompt = told("prompt", asked.prompt, Math.min(asked.prompt, room));
  const gen = told("gen", asked.gen, Math.min(asked.gen, room));
  return { ...asked, depths, prompt, gen };
}

const KV_BYTES: Readonly<Record<string, number>> = { f64: 8, f32: 4, f16: 2, int8: 1.125 };

function rowOf(
  measured: Measured,
  engine: FennecEngine,
  costs: ModelCosts,
  device: DeviceCosts | null,
  correct: Correctness,
): Row {
  const { kind, precision, kv, activations = "f32", adapter, limits } = engine.backend;
  const { test, tokens, depth, batch, samples, counters } = measured;
  const speed = median(samples);
  const { dispatches } = counters;
  const decode = { context: depth + 1 + tokens / 2, kvElementBytes: KV_BYTES[kv]!, batch, dispatches };
  const prompt = { tokens, depth, dispatches, steps: Math.ceil(tokens / limits.rows) };
  const isReply = test === "reply";
  const seconds = isReply ? batch / speed : tokens / speed;
  const bytes = isReply ? decodeBytes(costs, decode) : prompt.steps * costs.weightBytes;
  const measures = device && kind === "webgpu";
  const floor = measures ? (isReply ? decodeFloor(device, costs, decode) : prefillFloor(device, costs, prompt)) : null;
  return {
    model: engine.model.name,
    file_bytes: costs.fileBytes,
    parameters: costs.parameters,
    backend: kind,
    adapter,
    software: device?.software ?? false,
    precision,
    kv,
    activations,
    test: testName(test, tokens, depth, batch),
    depth,
    batch,
    tok_s: rounded(speed),
    samples: samples.map((sample) => rounded(sample)),
    bytes: Math.round(bytes),
    gb_s: rounded(bytes / seconds / 1e9),
    ...(!isReply && { gflop_s: rounded(prefillFlops(costs, prompt) / seconds / 1e9) }),
    per_token: perToken(counters),
    floor_seconds: floor && rounded(floor),
    percent_of_floor: floor && rounded((100 * floor) / seconds, 3),
    memory: { ...engine.backend.memory, process: peakBytes() },
    ...(!isReply && { first_token_ms: rounded(1000 * seconds) }),
    logits_hash: correct.logitsHash,
    top1: { agreeing: correct.agreeing, positions: correct.positions, against: correct.against },
  };
}

/** The most memory that this process has had so far. */
function peakBytes(): number {
  return 1024 * process.resourceUsage().maxRSS;
}

function perToken(counters: Measured["counters"]): PerToken {
  const { dispatches, submits, passes, bindGroups, buffers, bytesRead } = counters;
  const { pageWrites, batchWrites, slotWrites, otherWrites } = counters;
  return {
    dispatches: rounded(dispatches),
    submits: rounded(submits),
    passes: rounded(passes),
    bind_groups: rounded(bindGroups),
    buffers: rounded(buffers),
    writes: rounded(pageWrites + batchWrites + slotWrites + otherWrites),
    bytes_read: rounded(bytesRead),
  };
}

/** Replaces rows by themselves with a profile: the same work once more, timed kernel by kernel. */
async function addProfiles(
  path: string,
  far: readonly Row[],
  rows: Row[],
  options: BenchOptions,
  gpu: GPU,
  costs: ModelCosts,
): Promise<void> {
  const profiled = profiledGpu(gpu);
  const engine = await open(path, { ...options, sizes: { ...options.sizes, repeat: 1 } }, profiled.gpu, costs).catch(
    (error: unknown) => {
      options.onNote(`fennec bench: no profile: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    },
  );
  if (!engine) return;
  try {
    for (const row of far) {
      options.onProgress(`${row.model}: profile of ${row.test} ...`);
      const profile = await profileOf(row, engine, options, profiled);
      const complete = { ...row, profile };
      rows[rows.indexOf(row)] = complete;
      await options.onRow(complete);
    }
  } finally {
    engine.dispose();
  }
}

async function profileOf(
  row: Row,
  engine: FennecEngine,
  { sizes, signal }: BenchOptions,
  profiled: ReturnType<typeof profiledGpu>,
): Promise<readonly KernelTime[]> {
  const reply = row.test.startsWith("tg");
  const one = {
    prompt: reply ? 0 : Math.min(sizes.prompt, engine.context - row.depth - 2),
    gen: reply ? Math.min(16, sizes.gen) : 0,
    depths: [row.depth],
    batches: [row.batch],
    repeat: 1,
  };
  const work = { engine, sizes: one, signal, onProgress: () => {}, onMeasure: () => profiled.reset() };
  for await (const _ of measureEngine(work)) {
    // Its kernels are what is looked at.
  }
  return profiled.times();
}
