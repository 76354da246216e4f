// The self-test that runs on a user's device: it passes where kernels are right, replaces a wrong variant, and refuses a
// kernel that has no right one.

import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { attention } from "../../kernels/attention/attention";
import { type DeviceTraits, defineKernel, type Kernel } from "../../kernels/kernel";
import { linear } from "../../kernels/linear/linear";
import { FORMATS, formatOf } from "../../kernels/quant/index";
import { rmsNorm } from "../../kernels/rms_norm/rms_norm";
import { selfTestCases } from "../../kernels/self_test";
import { newCounters } from "../../src/backends/counters";
import { Pipelines } from "../../src/backends/webgpu/pipelines";
import { selfTest } from "../../src/backends/webgpu/self_test";
import { prepareSelfTest } from "../../src/backends/webgpu/self_test_once";
import { setDeviceStore } from "../../src/files/device_store";
import { testDevice } from "../support/gpu";
import { memoryStore } from "../support/memory_store";

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
        ? {
            ...variant,
            parts: variant.parts.map((part) => ({ ...part, wgsl: part.wgsl.replaceAll("inverseSqrt(", "sqrt(") })),
          }
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
    expect(report.refused).toMatchObject([{ kernel: "rms_norm", found: expect.stringContaining("error") }]);
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

  test("replaces a tile that rounds x by one that does not, and holds each to its own reference", async () => {
    const hardware = { ...traits, software: false };
    const kernel = linear([formatOf("Q8_0")], { norm: true, int8: true });
    const report = async (tested: Kernel) =>
      selfTest(device, hardware, new Pipelines(device, hardware, newCounters()), [tested]);
    const prompts = ({ passed }: { readonly passed: readonly string[] }) => passed.at(-1);
    expect(prompts(await report(kernel))).toBe(`${kernel.name}/tile_int8`);
    const found = await report(broken(kernel, ["tile_int8"]));
    expect(found.refused).toMatchObject([{ variant: "tile_int8" }]);
    expect(prompts(found)).toBe(`${kernel.name}/tile`);
  });

  test("has cases for every kernel that is made per format, option or head size", async () => {
    const options = [{}, { norm: true }, { accumulate: true }, { norm: true, bias: true }, { bias: true }];
    const kernels = [...FORMATS.values()].flatMap((format) => [
      format.repack,
      ...options.map((o) => linear([format], o)),
    ]);
    for (const kernel of [...kernels, attention("f32", { headDim: 96 }), attention("f16", { headDim: 256 })]) {
      const cases = await selfTestCases(kernel);
      expect(cases.length, kernel.name).toBeGreaterThan(0);
      for (const c of cases) expect(c.kernel.name).toBe(kernel.name);
    }
  });
});

describe("what it found is kept, and the next load", () => {
  const key = { adapter: "test", runtime: "test", engine: "test" };
  /** What is first in line for a few rows, and so tested. */
  const inUse = () => rmsNorm({}).variants.find((v) => v.suits(traits))!.name;

  beforeEach(() => {
    const store = memoryStore();
    setDeviceStore(async () => store);
  });
  afterEach(() => vi.unstubAllEnvs());

  /** One load. @returns How many pipelines its self-test compiled, and the variant that decoding then uses. */
  async function loadOnce(kernel: Kernel) {
    const counters = newCounters();
    const pipelines = new Pipelines(device, traits, counters);
    const gpu = { device, traits, adapter: "test", vendor: "", verdicts: key };
    await (await prepareSelfTest(gpu, pipelines, [kernel])).run();
    return { compiled: counters.pipelines, variant: pipelines.shaders(kernel, 1)[0]!.variant.name };
  }

  test("tests nothing that was right", async () => {
    expect((await loadOnce(rmsNorm({}))).compiled).toBeGreaterThan(0);
    expect(await loadOnce(rmsNorm({}))).toEqual({ compiled: 0, variant: inUse() });
  });

  test("does not use, nor test, what was wrong", async () => {
    const kernel = broken(rmsNorm({}), [inUse()]);
    const first = await loadOnce(kernel);
    expect(first.variant).not.toBe(inUse());
    expect(await loadOnce(kernel)).toEqual({ ...first, compiled: 0 });
  });

  test("tests a shader whose text changed", async () => {
    await loadOnce(rmsNorm({}));
    expect((await loadOnce(broken(rmsNorm({}), [inUse()]))).variant).not.toBe(inUse());
  });

  test("tests again where nothing was right: it may have been a fault of the moment", async () => {
    const kernel = broken(
      rmsNorm({}),
      rmsNorm({}).variants.map(({ name }) => name),
    );
    for (const _ of [1, 2]) await expect(loadOnce(kernel)).rejects.toMatchObject({ code: "self-test-failed" });
    expect((await loadOnce(rmsNorm({}))).compiled).toBeGreaterThan(0);
  });

  test("tests everything with FENNEC_SELF_TEST=force, nothing with off, and refuses other words", async () => {
    const first = await loadOnce(rmsNorm({}));
    vi.stubEnv("FENNEC_SELF_TEST", "force");
    expect(await loadOnce(rmsNorm({}))).toEqual(first);
    vi.stubEnv("FENNEC_SELF_TEST", "off");
    expect(await loadOnce(broken(rmsNorm({}), [inUse()]))).toEqual({ compiled: 0, variant: inUse() });
    vi.stubEnv("FENNEC_SELF_TEST", "no");
    await expect(loadOnce(rmsNorm({}))).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
