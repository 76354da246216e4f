// Every kernel case in every variant that this machine's GPU can run, against its f64 reference: the kernel tests without
// the test runner, for machines that have none. Prints what is wrong and a line of counts; exits with 1 when any is.
//
// Arguments: switches of Dawn.

import { rowBucket, type Variant } from "../../kernels/kernel";
import type { KernelCase } from "../../kernels/testing";
import { newCounters } from "../../src/backends/counters";
import { openGpu } from "../../src/backends/webgpu/device";
import { Pipelines } from "../../src/backends/webgpu/pipelines";
import { caseError, runCase } from "../../src/backends/webgpu/run_case";
import { dawnGpu } from "../../src/node/dawn";

const suites = import.meta.glob<{ cases: readonly KernelCase[] }>("../../kernels/**/cases.ts", { eager: true });

const gpu = await dawnGpu(process.argv.slice(2));
if (!gpu) throw new Error("Dawn does not start here");
const { device, traits, adapter } = await openGpu(gpu);
let refused: string | undefined;
device.addEventListener("uncapturederror", ({ error }) => {
  refused ??= error.message;
});

/** One for each name of a variant: it is preferred there. */
const pipelines = new Map<string, Pipelines>();

function pipelinesFor({ name }: Variant): Pipelines {
  const known = pipelines.get(name) ?? new Pipelines(device, traits, newCounters(), name);
  pipelines.set(name, known);
  return known;
}

function variantsOf({ kernel, rows = 1 }: KernelCase): readonly Variant[] {
  const bucket = rowBucket(rows);
  return kernel.variants.filter(({ rows: [least, most] = [1, Number.POSITIVE_INFINITY], runs, suits }) => {
    const can = runs ?? suits;
    return bucket >= least && bucket <= most && (can(traits) || can({ ...traits, software: !traits.software }));
  });
}

async function check(c: KernelCase, variant: Variant): Promise<string | undefined> {
  const compiled = await pipelinesFor(variant).compile(c.kernel, rowBucket(c.rows ?? 1));
  if (compiled.variant !== variant) return undefined;
  const tolerance = variant.enable?.includes("f16") ? (c.toleranceF16 ?? c.tolerance) : c.tolerance;
  const got = await runCase(device, traits, compiled.pipeline, variant, c);
  for (const [buffer, want] of Object.entries(c.expected())) {
    const { error, at } = caseError(got.get(buffer)!, want);
    if (!(error <= tolerance)) return `${buffer}[${at}] is off by ${error}, allowed is ${tolerance}`;
  }
  const message = refused;
  refused = undefined;
  return message;
}

let right = 0;
let wrong = 0;

/** Also when the time is over: what was found so far is kept. */
function end(complete: boolean): never {
  const { f16, subgroups, subgroupMin, subgroupMax } = traits;
  console.log(`${adapter}; f16 ${f16}, subgroups ${subgroups ? `${subgroupMin} to ${subgroupMax}` : "none"}`);
  console.log(`kernels: ${right} right, ${wrong} wrong${complete ? "" : "; the time was over before the others"}`);
  process.exit(wrong > 0 || right === 0 || !complete ? 1 : 0);
}
process.on("SIGINT", () => end(false));

for (const { cases } of Object.values(suites)) {
  for (const c of cases) {
    for (const variant of variantsOf(c)) {
      const problem = await check(c, variant).catch((error: unknown) => String(error));
      if (problem === undefined) right++;
      else {
        wrong++;
        console.log(`WRONG ${c.kernel.name}/${variant.name}, ${c.name}: ${problem}`);
      }
    }
  }
}
end(true);
