// Assembles the webgpu backend: device, plan, buffers, pipelines, weights. The first token needs pipelines for one row
// and for one prefill chunk only; the others compile at their first use.

import { BATCH_BYTES, MAX_OUTPUTS, MAX_ROWS, PAGE_TOKENS, SLOT_WORDS } from "../../../kernels/common/batch";
import { cachedHeadBytes } from "../../../kernels/common/kv";
import { type Kernel, ROW_BUCKETS, rowBucket } from "../../../kernels/kernel";
import { formatOf } from "../../../kernels/quant/index";
import { exp2Table, MAX_BIASES, scratchWords } from "../../../kernels/sample/slot";
import { FennecError } from "../../errors";
import type { CacheSpec } from "../../graph/graph";
import { buildPlan } from "../../plan/lower";
import type { BufferRef, Plan, PlannedDispatch } from "../../plan/plan";
import type { Backend, BackendInput } from "../backend";
import { cacheGroups, layerPageBytes } from "../cache_groups";
import { newCounters } from "../counters";
import { askedVariant, checkAskedVariant } from "./asked_variant";
import { type BoundDispatch, bindDispatches } from "./bindings";
import { type Gpu, type GpuOptions, openGpu } from "./device";
import { GpuMemory, guarded } from "./memory";
import { Pipelines } from "./pipelines";
import { Readback } from "./readback";
import { type BoundPlan, firstPipelines, Replays } from "./replays";
import { prepareSelfTest } from "./self_test_once";
import { prepareTuning, type Tune } from "./tune_once";
import { tensorOf, uploadAll } from "./upload_all";
import { warmUp } from "./warm_up";
import { WebgpuBackend } from "./webgpu_backend";

export interface WebgpuOptions extends GpuOptions {
  /**
   * Prefer this variant of every kernel that has it: tests run whole models on each family, and people try one by
   * `FENNEC_VARIANT`.
   */
  readonly preferVariant?: string;
  /** Rows of a prefill chunk; chosen by the device when absent. */
  readonly chunkRows?: number;
  /** Run every kernel of the plan against its reference first; true when absent. Tests that do so anyway save the time. */
  readonly selfTest?: boolean;
  /** Run every pipeline once before the first step; absent: on hardware, as software adapters compile at once. */
  readonly warmUp?: boolean;
  /** Whether variants are chosen by measuring them. When absent `auto`; without the self-test, which tests them, `off`. */
  readonly tune?: Tune;
}

/**
 * Makes a backend on WebGPU.
 *
 * @throws FennecError `webgpu-missing`, `webgpu-limits`, `out-of-memory`, `kernel-compile`, `self-test-failed`,
 *   `tensor-not-finite`, `backend-unsupported`, `aborted`, and those of the file's source; `invalid-argument` when no
 *   kernel has the variant that `FENNEC_VARIANT` names. Nothing is left on the GPU.
 */
export async function createWebgpuBackend(
  input: BackendInput,
  gpu: GPU,
  options: WebgpuOptions = {},
): Promise<Backend> {
  const opened = await openGpu(gpu, options);
  try {
    return await opened.awaiting(
      guarded(opened.device, `loading ${input.file.name}`, () => assemble(input, opened, options)),
    );
  } catch (error) {
    opened.device.destroy();
    throw error;
  }
}

/** A submit is not interrupted: this is how long a page may be without a new picture while a prompt is computed. */
const STEP_MS = 100;

async function assemble(input: BackendInput, gpu: Gpu, options: WebgpuOptions): Promise<Backend> {
  const { graph, file, vocab } = input;
  const { precision, kv, slots, signal, onProgress } = input.options;
  const { device, traits } = gpu;
  const int8 = input.options.activations === "int8" && traits.packedDot;
  const counters = newCounters();
  const memory = new GpuMemory(device, counters);
  const pipelines = new Pipelines(device, traits, counters, options.preferVariant ?? askedVariant());

  const chunkRows = Math.min(MAX_ROWS, options.chunkRows ?? (traits.software ? 64 : 256));
  const maxBindingBytes = device.limits.maxStorageBufferBindingSize;
  checkVocabulary(vocab, slots, maxBindingBytes);
  const headBytes = (headDim: number) => cachedHeadBytes(kv, headDim);
  const kvTokens = Math.min(input.options.kvTokens, mostKvTokens(graph.caches, headBytes, slots, maxBindingBytes));
  const context = Math.min(input.options.context, kvTokens);
  const groups = cacheGroups(graph, {
    pageTokens: PAGE_TOKENS,
    headBytes,
    chunk: chunkRows,
    slots,
    context,
    kvTokens,
  });
  const pagesPerSlot = Math.ceil(context / PAGE_TOKENS);
  const plan = buildPlan({
    graph,
    vocab,
    kv,
    int8,
    groups,
    pagesPerSlot,
    slots,
    context,
    maxBindingBytes,
    formatOf: (weight) => formatOf(tensorOf(file, weight).type),
  });

  checkAskedVariant(plan, pipelines, chunkRows);
  onProgress?.({ phase: "compile", bytesLoaded: 0, bytesTotal: 0 });
  const test = (options.selfTest ?? true) ? await prepareSelfTest(gpu, pipelines, kernelsOf(plan)) : undefined;
  const tuning = await prepareTuning(
    gpu,
    pipelines,
    plan,
    chunkRows,
    options.tune ?? (options.selfTest === false ? "off" : "auto"),
  );
  const compiled = compileFirst(plan, pipelines, chunkRows);
  compiled.catch(() => {}); // awaited below; an error of the upload must not leave it unhandled

  const { STORAGE, COPY_DST, COPY_SRC, UNIFORM } = GPUBufferUsage;
  const rowsOf = { tokens: chunkRows, outputs: MAX_OUTPUTS };
  const scratch = plan.scratch.map(({ rows, width }, index) =>
    memory.create(`scratch ${index}`, 4 * width * rowsOf[rows], STORAGE | COPY_SRC, "other"),
  );
  const pageBytes = graph.caches.map((layer) => layerPageBytes(layer, { pageTokens: PAGE_TOKENS, headBytes }));
  const kvBuffers = pageBytes.map((bytes, layer) => {
    const { pages } = groups.find(({ layers }) => layers.includes(layer))!;
    return memory.create(`kv ${layer}`, pages * bytes, STORAGE | COPY_SRC | COPY_DST, "kv");
  });
  const fixed = {
    batch: memory.create("batch", BATCH_BYTES, UNIFORM | COPY_DST, "other"),
    slots: memory.create("slots", 4 * SLOT_WORDS * slots, STORAGE | COPY_DST, "other"),
    pages: memory.create("pages", 4 * groups.length * slots * pagesPerSlot, STORAGE | COPY_DST, "other"),
    vectors: memory.create("vectors", 4 * plan.vectorElements, STORAGE | COPY_DST, "weights"),
    rope: memory.create("rope", 4 * plan.ropeElements, STORAGE | COPY_DST, "other"),
    scores: memory.create("scores", 4 * scratchWords(vocab) * MAX_OUTPUTS, STORAGE, "other"),
    counts: memory.create("counts", 4 * vocab * slots, STORAGE | COPY_DST, "other"),
    biases: memory.create("biases", 8 * MAX_BIASES * slots, STORAGE | COPY_DST, "other"),
    partials: memory.create("partials", 4 * plan.partialElements * slots, STORAGE, "other"),
    exp2: memory.create("exp2", exp2Table().byteLength, STORAGE | COPY_DST, "other"),
    sampled: memory.create("sampled", 8 * MAX_OUTPUTS, STORAGE | COPY_SRC, "other"),
  };

  const matrices = await uploadAll(input, plan, gpu, memory, pipelines, fixed, context);
  const bufferOf = (ref: BufferRef): GPUBuffer => {
    switch (ref.kind) {
      case "scratch":
        return scratch[ref.index]!;
      case "matrix":
        return matrices.get(ref.name)![ref.part]!;
      case "kv":
        return kvBuffers[ref.layer]!;
      default:
        return fixed[ref.kind];
    }
  };
  const bound = bindPlan(plan, (dispatches) =>
    bindDispatches(device, dispatches, pipelines, memory, counters, bufferOf),
  );
  const readback = new Readback(memory, counters, gpu.awaiting, 8 * MAX_OUTPUTS);
  await compiled;
  const kvPages = kvBuffers.map((buffer, layer) => ({ buffer, pageBytes: pageBytes[layer]! }));
  await tuning.run({
    dispatches: [...bound.decode, ...bound.prefill],
    batch: fixed.batch,
    kv: kvPages,
    chunkRows,
    context,
  });
  await test?.run();
  checkAskedVariant(plan, pipelines, chunkRows);
  await compileFirst(plan, pipelines, chunkRows); // what was chosen since
  if (options.warmUp ?? !traits.software) {
    const all = [...bound.decode, ...bound.prefill, ...bound.sampling];
    await warmUp(device, all, pipelines, [1, rowBucket(chunkRows)]);
  }
  signal?.throwIfAborted();

  const replays = new Replays(bound, pipelines, traits);
  const backend = new WebgpuBackend({
    device,
    adapter: gpu.adapter,
    precision,
    kv,
    ...(int8 && { activations: "int8" as const }),
    limits: {
      ...{ rows: chunkRows, outputs: MAX_OUTPUTS, slots, context },
      ...(!traits.software && { stepMs: STEP_MS }),
    },
    pageTokens: PAGE_TOKENS,
    groups,
    pagesPerSlot,
    vocab,
    counters,
    memory,
    readback,
    replays,
    buffers: {
      ...fixed,
      kv: kvBuffers,
      logits: bufferOf(plan.logits),
      pageCopy: memory.create("page copy", Math.max(...pageBytes), COPY_SRC | COPY_DST, "other"),
    },
    pageBytes,
  });
  onProgress?.({ phase: "ready", bytesLoaded: file.bytes, bytesTotal: file.bytes });
  // Software adapters compile on the cores that they compute with: theirs wait for their first use.
  if (!traits.software) void warmBuckets(replays);
  return backend;
}

/** Every kernel that the plan needs, the repacking ones included. */
function kernelsOf(plan: Plan): Kernel[] {
  const repacks = new Set(plan.matrices.map(({ format }) => format.repack));
  return [...repacks, ...[...plan.decode, ...plan.prefill, ...plan.sampling].map(({ kernel }) => kernel)];
}

/** Binds the three lists at once: their parameters share a buffer. */
function bindPlan(plan: Plan, bind: (dispatches: readonly PlannedDispatch[]) => BoundDispatch[]): BoundPlan {
  const { decode, prefill, sampling } = plan;
  const bound = bind([...decode, ...prefill, ...sampling]);
  const take = (list: readonly PlannedDispatch[]) => bound.splice(0, list.length);
  return { decode: take(decode), prefill: take(prefill), sampling: take(sampling) };
}

/** The sampler's sums hold for fewer tokens than this (kernels/sample/select.wgsl). */
const MOST_TOKENS = 2 ** 20;

/** @throws FennecError `backend-unsupported`, or `webgpu-limits` when a buffer of one word per token does not fit. */
function checkVocabulary(vocab: number, slots: number, maxBindingBytes: number): void {
  if (vocab >= MOST_TOKENS)
    throw new FennecError(
      "backend-unsupported",
      `the vocabulary has ${vocab} tokens; the webgpu backend samples from fewer than ${MOST_TOKENS}. Try backend: "onnx".`,
    );
  const bytes = 4 * Math.max(vocab * slots, scratchWords(vocab) * MAX_OUTPUTS);
  if (bytes > maxBindingBytes)
    throw new FennecError(
      "webgpu-limits",
      `${slots} slots with ${vocab} tokens each need a buffer of ${bytes} bytes; this adapter binds ${maxBindingBytes}. ` +
        "Try fewer slots.",
    );
}

/** Tokens whose keys and values in any one layer still fit a storage binding. */
function mostKvTokens(
  caches: readonly CacheSpec[],
  headBytes: (headDim: number) => number,
  slots: number,
  maxBindingBytes: number,
): number {
  const largest = Math.max(...caches.map((cache) => layerPageBytes(cache, { pageTokens: PAGE_TOKENS, headBytes })));
  // Pools have a page more for each further slot (cache_groups.ts).
  return PAGE_TOKENS * Math.max(1, Math.floor(maxBindingBytes / largest) - (slots - 1));
}

/** Pipelines for decoding one sequence and for a prefill chunk, all at once. */
async function compileFirst(plan: Plan, pipelines: Pipelines, chunkRows: number): Promise<void> {
  const formats = new Set(plan.matrices.map(({ format }) => format));
  await Promise.all([
    ...[...formats].map(({ repack }) => pipelines.compile(repack, 1)),
    ...firstPipelines(plan, chunkRows).map(([kernel, bucket]) => pipelines.compile(kernel, bucket)),
  ]);
}

/** Compiles for the other numbers of rows, one after the other. What fails here fails again, and is told, in the step. */
async function warmBuckets(replays: Replays): Promise<void> {
  try {
    const step = { sampling: true, decode: true };
    await replays.warm({ ...step, rows: 1, outputs: 1, splits: 2 }); // the first long context
    for (const rows of ROW_BUCKETS.slice(1)) await replays.warm({ ...step, rows, outputs: rows, splits: 2 });
  } catch {
    // A lost device, or a pipeline that no step may ever need.
  }
}
