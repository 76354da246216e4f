// The self-test on a user's device: before a model is used, every kernel of its plan runs small cases against the f64
// reference, in the variants chosen for decoding and for prefill. A wrong variant is never used: the next one that suits
// takes its place, and when none is right the load fails instead of the answers. Decode steps of 2 to 16 rows are the
// same shader with other constants; they are not run here.

import { type DeviceTraits, type Kernel, rowBucket } from "../../../kernels/kernel";
import { selfTestCases } from "../../../kernels/self_test";
import type { KernelCase } from "../../../kernels/testing";
import type { Pipelines } from "./pipelines";
import { caseFailure } from "./run_case";

export interface SelfTestReport {
  /** Kernel and variant, for each case that was right. */
  readonly passed: readonly string[];
  /** Variants that gave wrong results here. */
  readonly refused: readonly RefusedVariant[];
}

export interface RefusedVariant {
  readonly kernel: string;
  readonly variant: string;
  /** The wrong shader's name in a verdict. */
  readonly shader: string;
  /** What was wrong: case, output, error. */
  readonly found: string;
}

/**
 * @param refused Filled as variants are refused, so that it is known when the test fails in the end.
 * @throws FennecError `self-test-failed` when no variant of a kernel is right.
 */
export async function selfTest(
  device: GPUDevice,
  traits: DeviceTraits,
  pipelines: Pipelines,
  kernels: readonly Kernel[],
  refused: RefusedVariant[] = [],
): Promise<SelfTestReport> {
  const passed: string[] = [];

  /** Runs the case in one variant after the other until one is right; `compile` throws when none is left. */
  async function firstRight(kernel: Kernel, c: KernelCase): Promise<void> {
    for (;;) {
      const bucket = rowBucket(c.rows ?? 1);
      const { variant, pipeline } = await pipelines.compile(kernel, bucket);
      const found = await caseFailure(device, traits, pipeline, variant, c);
      if (!found) {
        passed.push(`${kernel.name}/${variant.name}`);
        return;
      }
      const shader = pipelines.shaders(kernel, bucket).find((other) => other.variant.name === variant.name)!.name;
      refused.push({ kernel: kernel.name, variant: variant.name, shader, found });
      pipelines.refuse(kernel, variant);
    }
  }

  for (const kernel of kernels) {
    const cases = await selfTestCases(kernel);
    if (cases.length === 0) throw new Error(`kernel ${kernel.name} has no case for the self-test`);
    for (const c of cases) await firstRight(kernel, c);
  }
  return { passed, refused };
}
