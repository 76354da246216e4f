// Every kernel case in every variant that this machine's GPU can run, against its f64 reference: the kernel tests without
// the test runner, for machines that have none. Prints what is wrong and a line of counts; exits with 1 when any is.
//
// Runs in Node, and in whatever has WebGPU of its own, such as Deno.
//
// Arguments: "first" for the first case of each kernel alone, and switches of Dawn.

import { availableParallelism } from "node:os";
import { rowBucket, type Variant } from "../../kernels/kernel";
import type { KernelCase } from "../../kernels/testing";
import { newCounters } from "../../src/backends/counters";
import { openGpu } from "../../src/backends/webgpu/device";
import { Pipelines } from "../../src/backends/webgpu/pipelines";
import { caseFailure } from "../../src/backends/webgpu/run_case";
import { dawnGpu } from "../../src/node/dawn";

/** A case in one of its variants. */
interface Job {
  readonly c: KernelCase;
  readonly variant: Variant;
}

const suites = import.meta.glob<{ cases: readonly KernelCase[] }>("../../kernels/**/cases.ts", { eager: true });
const words = process.argv.slice(2);
const onlyFirst = words.includes("first");

const gpu = globalThis.navigator?.gpu ?? (await dawnGpu(words.filter((word) => word !== "first")));
if (!gpu) throw new Error("there is no WebGPU here, and Dawn does not start");
const { device, traits, adapter } = await openGpu(gpu);
let refused: string | undefined;
device.addEventListener("uncapturederror", ({ error }) => {
  refused ??= error.message;
});

function variantsOf({ kernel, rows = 1 }: KernelCase): readonly Variant[] {
  const bucket = rowBucket(rows);
  return kernel.variants.filter(({ rows: [least, most] = [1, Number.POSITIVE_INFINITY], runs, suits }) => {
    const can = runs ?? suits;
    return bucket >= least && bucket <= most && (can(traits) || can({ ...traits, software: !traits.software }));
  });
}

/** The first case of each variant of a kernel before all others, so that a run that is cut short has seen each. */
function jobs(): readonly Job[] {
  const all = Object.values(suites).flatMap(({ cases }) =>
    cases.flatMap((c) => variantsOf(c).map((variant): Job => ({ c, variant }))),
  );
  const first = new Map<string, Job>();
  for (const job of all) {
    const key = `${job.c.kernel.name}/${job.variant.name}`;
    if (!first.has(key)) first.set(key, job);
  }
  const leading = new Set(first.values());
  return onlyFirst ? [...leading] : [...leading, ...all.filter((job) => !leading.has(job))];
}

const pipelines = new Pipelines(device, traits, newCounters());
const compiled = new Map<string, Promise<GPUComputePipeline>>();

/** Drivers compile on many threads: what is next is compiled while a case runs. */
function pipelineOf({ c: { kernel, rows = 1 }, variant }: Job): Promise<GPUComputePipeline> {
  const bucket = rowBucket(rows);
  const key = `${kernel.name}/${variant.name}/${bucket}`;
  const known = compiled.get(key);
  if (known) return known;
  const made = pipelines.pipeline(kernel, variant, bucket);
  made.catch(() => {}); // told where the case runs
  compiled.set(key, made);
  return made;
}

async function check(job: Job): Promise<string | undefined> {
  const found = await caseFailure(device, traits, await pipelineOf(job), job.variant, job.c);
  const message = refused;
  refused = undefined;
  return found ?? message;
}

let right = 0;
let wrong = 0;
const all = jobs();

/** Also when the time is over: what was found so far is kept. */
function end(): never {
  const { f16, subgroups, subgroupMin, subgroupMax } = traits;
  const left = all.length - right - wrong;
  console.log(`${adapter}; f16 ${f16}, subgroups ${subgroups ? `${subgroupMin} to ${subgroupMax}` : "none"}`);
  console.log(
    `kernels: ${right} right, ${wrong} wrong${left > 0 ? `; the time was over before the other ${left}` : ""}`,
  );
  process.exit(wrong > 0 || right === 0 || left > 0 ? 1 : 0);
}
process.on("SIGINT", end);

const ahead = 2 * availableParallelism();
for (const [at, job] of all.entries()) {
  for (const next of all.slice(at, at + ahead)) void pipelineOf(next);
  const problem = await check(job).catch((error: unknown) => String(error));
  if (problem === undefined) right++;
  else {
    wrong++;
    console.log(`WRONG ${job.c.kernel.name}/${job.variant.name}: ${problem}`);
  }
}
end();
