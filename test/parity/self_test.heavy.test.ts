// The self-test that runs on a user's device: it passes where kernels are right, replaces a wrong variant, and refuses a
// kernel that has no right one.

import { beforeAll, describe, expect, test } from "vitest";
import { attention } from "../../kernels/attention/attention";
import { type DeviceTraits, defineKernel, type Kernel } from "../../kernels/kernel";
import { linear } from "../../kernels/linear/linear";
import { FORMATS } from "../../kernels/quant/index";
import { rmsNorm } from "../../kernels/rms_norm/rms_norm";
import { selfTestCases } from "../../kernels/self_test";
import { newCounters } from "../../src/backends/counters";
import { Pipelines } from "../../src/backends/webgpu/pipelines";
import { selfTest } from "../../src/backends/webgpu/self_test";
import { testDevice } from "../support/gpu";

let device: GPUDevice;
let traits: DeviceTraits;
beforeAll(async () => {
  ({ device, traits } = await testDevice("full"));
});

/** The same kernel with an error in the named variants: eps is taken for zero, or squares are not summed. */
function broken(kernel: Kernel, names: readonly string[]): Kernel {
  return {
    ...kernel,
    variants: kernel.variants.map((variant) =>
      names.includes(variant.name)
        ? { ...variant, parts: variant.parts.map(({ wgsl }) => ({ wgsl: wgsl.replaceAll("inverseSqrt(", "sqrt(") })) }
        : variant,
    ),
  };
}

const run = (kernels: readonly Kernel[]) =>
  selfTest(device, traits, new Pipelines(device, traits, newCounters()), kernels);

describe("self-test", () => {
  test("passes right kernels", async () => {
    const report = await run([rmsNorm({})]);
    expect(report.refused).toEqual([]);
    expect(report.passed.length).toBeGreaterThan(0);
  });

  test("replaces a wrong variant by the next", async () => {
    const report = await run([
      broken(defineKernel(rmsNorm({})), [rmsNorm({}).variants.find((v) => v.suits(traits))!.name]),
    ]);
    expect(report.refused.length).toBe(1);
    expect(report.passed.length).toBeGreaterThan(0);
  });

  test("refuses a kernel with no right variant", async () => {
    const kernel = rmsNorm({});
    const all = broken(
      kernel,
      kernel.variants.map(({ name }) => name),
    );
    await expect(run([all])).rejects.toMatchObject({ code: "self-test-failed" });
  });

  test("has cases for every kernel that is made per format, option or head size", async () => {
    const options = [{}, { norm: true }, { accumulate: true }, { norm: true, bias: true }, { bias: true }];
    const kernels = [...FORMATS.values()].flatMap((format) => [
      format.repack,
      ...options.map((o) => linear(format, o)),
    ]);
    for (const kernel of [...kernels, attention("f32", { headDim: 96 }), attention("f16", { headDim: 256 })]) {
      const cases = await selfTestCases(kernel);
      expect(cases.length, kernel.name).toBeGreaterThan(0);
      for (const c of cases) expect(c.kernel.name).toBe(kernel.name);
    }
  });
});
