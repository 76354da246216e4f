// The self-test on a user's device: before a model is used, every kernel of its plan runs a small case against the f64
// reference, in the variants chosen for decoding and for prefill. A wrong variant is never used; the next one that suits
// takes its place, and when none is right the load fails instead of the answers.

import type { DeviceTraits, Kernel } from "../../../kernels/kernel";
import { rowBucket } from "../../../kernels/kernel";
import type { KernelCase } from "../../../kernels/testing";
import { FennecError } from "../../errors";
import type { Pipelines } from "./pipelines";
import { caseError, runCase } from "./run_case";

export interface SelfTestReport {
  /** Kernel and variant, for each case that was run. */
  readonly passed: readonly string[];
  /** Variants that gave wrong results here, with the error found. */
  readonly refused: readonly string[];
  /** Kernels of the plan without a case. */
  readonly untested: readonly string[];
}

/**
 * @param catalogue All kernel cases; the smallest that fits is run.
 * @throws FennecError `self-test-failed` when no variant of a kernel is right.
 */
export async function selfTest(
  device: GPUDevice,
  traits: DeviceTraits,
  pipelines: Pipelines,
  kernels: readonly Kernel[],
  catalogue: readonly KernelCase[],
): Promise<SelfTestReport> {
  const passed: string[] = [];
  const refused: string[] = [];
  const untested: string[] = [];
  for (const kernel of new Map(kernels.map((k) => [k.name, k])).values()) {
    const cases = smallestCases(kernel, catalogue);
    if (cases.length === 0) untested.push(kernel.name);
    for (const c of cases) passed.push(await firstRight(c, kernel));
  }
  return { passed, refused, untested };

  /** Tries variants until one is right; `variantOf` throws when none is left. */
  async function firstRight(c: KernelCase, kernel: Kernel): Promise<string> {
    for (;;) {
      const { variant, pipeline } = await pipelines.compile(kernel, rowBucket(c.rows ?? 1));
      const found = await failureOf(c, variant, pipeline);
      if (!found) return `${kernel.name}/${variant.name}`;
      refused.push(`${kernel.name}/${variant.name}: ${found}`);
      pipelines.refuse(kernel, variant);
    }
  }

  async function failureOf(c: KernelCase, variant: Parameters<typeof runCase>[3], pipeline: GPUComputePipeline) {
    const results = await runCase(device, traits, pipeline, variant, c);
    const allowed = variant.enable?.includes("f16") ? (c.toleranceF16 ?? c.tolerance) : c.tolerance;
    for (const [name, want] of Object.entries(c.expected())) {
      const { error, at } = caseError(results.get(name)!, want);
      if (!(error <= allowed)) return `case "${c.name}", ${name}[${at}]: error ${error}, allowed ${allowed}`;
    }
    return undefined;
  }
}

/** For one row and for a chunk of rows (which may be another variant): the case with the least data. */
function smallestCases(kernel: Kernel, catalogue: readonly KernelCase[]): KernelCase[] {
  const own = catalogue.filter((c) => c.kernel.name === kernel.name).sort((a, b) => words(a) - words(b));
  const one = own.find((c) => (c.rows ?? 1) === 1);
  const chunk = own.find((c) => (c.rows ?? 1) > 16);
  return [one, chunk].filter((c) => c !== undefined);
}

function words(c: KernelCase): number {
  return Object.values(c.buffers).reduce(
    (sum, content) => sum + ("words" in content ? content.words : content.length),
    0,
  );
}

/** One line of a report for people. */
export function describeReport({ passed, refused, untested }: SelfTestReport): string {
  return `${passed.length} right, ${refused.length} refused${untested.length > 0 ? `, ${untested.length} without a case` : ""}`;
}

export function refusedError(report: SelfTestReport): FennecError {
  return new FennecError("self-test-failed", report.refused.join("\n"));
}
