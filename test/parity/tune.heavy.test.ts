// Tuning on a device: what it measures is kept, what it chooses is tested before it is used, and the model stays right.

import { beforeEach, expect, test } from "vitest";
import type { Kernel } from "../../kernels/kernel";
import { rmsNorm } from "../../kernels/rms_norm/rms_norm";
import { newCounters } from "../../src/backends/counters";
import { openGpu } from "../../src/backends/webgpu/device";
import { Pipelines } from "../../src/backends/webgpu/pipelines";
import { prepareSelfTest } from "../../src/backends/webgpu/self_test_once";
import type { Choice } from "../../src/backends/webgpu/tune";
import { readVerdict } from "../../src/backends/webgpu/verdicts";
import { setDeviceStore } from "../../src/files/device_store";
import { testGpu } from "../support/gpu";
import { memoryStore } from "../support/memory_store";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { webgpuBackend } from "../support/webgpu";

beforeEach(() => {
  const store = memoryStore();
  setDeviceStore(async () => store);
});

async function tuned() {
  const { device, verdicts } = await openGpu(await testGpu());
  device.destroy();
  return Object.entries((await readVerdict(verdicts)).tuning ?? {}) as [string, Choice][];
}

test("a model that was tuned by force is right, and its choices are kept", async () => {
  const fixture = await openParityFixture("nano/qwen3-nano-F32");
  const backend = await webgpuBackend(fixture, { tune: "force", selfTest: true, slots: 1, context: 128 });
  const choices = await tuned();
  expect(choices.length).toBeGreaterThan(0);
  for (const [key, { order }] of choices) {
    const candidates = / of (.*) on /.exec(key)![1]!.split(", ");
    expect([...order].sort(), key).toEqual(candidates);
  }
  console.info(choices.map(([key, { order }]) => `${key.replace(/ of .*/, "")}: ${order[0]}`).join("\n"));
  const rows = 40;
  const got = await logitsOf(backend, fixture.tokens.slice(0, rows), 24);
  const { vocab } = fixture.description;
  const { nmse } = compareLogits(got, fixture.logits.subarray(0, rows * vocab), vocab);
  expect(nmse).toBeLessThan(fixture.description.bound);
  backend.dispose();
});

test("a software adapter measures nothing by itself", async () => {
  const fixture = await openParityFixture("nano/qwen3-nano-F32");
  const { device, traits } = await openGpu(await testGpu());
  device.destroy();
  (await webgpuBackend(fixture, { tune: "auto", slots: 1, context: 128 })).dispose();
  expect((await tuned()).length > 0).toBe(!traits.software);
});

test("a wrong variant is not used, however fast it was", async () => {
  const gpu = await openGpu(await testGpu());
  const pipelines = new Pipelines(gpu.device, gpu.traits, newCounters());
  const right = rmsNorm({});
  const wrong: Kernel = {
    ...right,
    variants: right.variants.map((variant) => ({
      ...variant,
      ...(variant.name === "workgroup" && {
        parts: variant.parts.map(({ wgsl }) => ({ wgsl: wgsl.replaceAll("inverseSqrt(", "sqrt(") })),
      }),
    })),
  };
  for (const phase of ["decode", "prefill"] as const) pipelines.prefer(wrong, phase, ["workgroup", "invocation"]);
  expect(pipelines.candidates(wrong, 1)[0]!.name).toBe("workgroup");
  await (await prepareSelfTest(gpu, pipelines, [wrong])).run();
  for (const bucket of [1, 2, 16, 512]) {
    expect((await pipelines.compile(wrong, bucket)).variant.name).toBe("invocation");
  }
  gpu.device.destroy();
});
