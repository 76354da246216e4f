// Measures the contests of a plan on the device: the plan's own dispatches, on its own matrices, bound as steps bind
// them. Imported when there is something to measure. It leaves the batch and the keys and values as it found them; scratch is
// written by each step before it is read.

import { BATCH_BYTES, SPLIT_TOKENS } from "../../../kernels/common/batch";
import { isFennecError } from "../../errors";
import { encodeBatch } from "./batch_words";
import { gpuTimer, type TimedDispatch } from "./gpu_timer";
import type { Phase, Pipelines } from "./pipelines";
import { type Choice, chooseVariants } from "./tune";
import type { KernelContest, TuneWork } from "./tune_contests";

/** The context that decode steps are measured at, where the model has as much. */
const CONTEXT = 1024;

/**
 * @param budgetMs Of measuring, all contests together; compiling comes before, all at once.
 * @returns By the contests' keys, what was decided in time.
 */
export async function measureContests(
  device: GPUDevice,
  pipelines: Pipelines,
  contests: readonly KernelContest[],
  work: TuneWork,
  budgetMs: number,
): Promise<ReadonlyMap<string, Choice>> {
  const compiled = await compileAll(pipelines, contests);
  const timer = gpuTimer(device);
  const lengthOf = (phase: Phase) => Math.min(work.context, phase === "decode" ? CONTEXT : work.chunkRows);
  let written: Phase | undefined;

  async function measure(contest: KernelContest, variant: string, dispatches: number): Promise<number> {
    const pipeline = compiled.get(pipelineKey(contest, variant));
    if (!pipeline) return Number.POSITIVE_INFINITY;
    if (written !== contest.phase) device.queue.writeBuffer(work.batch, 0, batchOf(contest.phase));
    written = contest.phase;
    return timer.run(pipeline, dispatchesOf(contest, variant), dispatches);
  }

  function dispatchesOf({ kernel, phase, bucket, dispatches }: KernelContest, name: string): TimedDispatch[] {
    const variant = kernel.variants.find((one) => one.name === name)!;
    const rows = phase === "decode" ? bucket : work.chunkRows;
    const splits = Math.ceil(lengthOf(phase) / SPLIT_TOKENS);
    return dispatches.map((index) => {
      const { group, params } = work.dispatches[index]!;
      return { group, grid: variant.grid(params, rows, pipelines.traits, { splits }) };
    });
  }

  /** One row late in its sequence, or a chunk at the beginning of one. */
  function batchOf(phase: Phase): Uint32Array<ArrayBuffer> {
    const length = lengthOf(phase);
    const positions = phase === "decode" ? [length - 1] : Array.from({ length }, (_, position) => position);
    const rows = positions.map((position) => ({ slot: 0, token: 0, position, want: "nothing" as const }));
    return encodeBatch(new Uint32Array(BATCH_BYTES / 4), rows, [{ row: rows.length - 1, slot: 0, want: "token" }]);
  }

  try {
    for (const phase of ["decode", "prefill"] as const)
      for (const contest of contests.filter((one) => one.phase === phase))
        for (const variant of contest.candidates) await measure(contest, variant, 1); // the first run of each is another
    return await chooseVariants(contests, measure, {
      leastMs: timer.leastMs,
      budgetMs,
      now: () => performance.now(),
    });
  } finally {
    timer.dispose();
    // As the backend expects them. All page tables are zero, so that keys and values went to the first page.
    device.queue.writeBuffer(work.batch, 0, new Uint32Array(BATCH_BYTES / 4));
    const encoder = device.createCommandEncoder();
    for (const { buffer, pageBytes } of work.kv) encoder.clearBuffer(buffer, 0, pageBytes);
    device.queue.submit([encoder.finish()]);
  }
}

/** Without those that do not compile: they cannot win. */
async function compileAll(pipelines: Pipelines, contests: readonly KernelContest[]) {
  const compiled = new Map<string, GPUComputePipeline>();
  const all = contests.flatMap((contest) => contest.candidates.map((variant) => ({ contest, variant })));
  await Promise.all(
    all.map(async ({ contest, variant }) => {
      const { kernel, bucket } = contest;
      try {
        const pipeline = await pipelines.pipeline(
          kernel,
          kernel.variants.find(({ name }) => name === variant)!,
          bucket,
        );
        compiled.set(pipelineKey(contest, variant), pipeline);
      } catch (error) {
        if (!isFennecError(error) || error.code !== "kernel-compile") throw error;
      }
    }),
  );
  return compiled;
}

function pipelineKey({ key }: KernelContest, variant: string): string {
  return `${key} ${variant}`;
}
