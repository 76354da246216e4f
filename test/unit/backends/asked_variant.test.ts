// FENNEC_VARIANT: what was asked for is used, or the load says that it is not.

import { afterEach, expect, test, vi } from "vitest";
import { type DeviceTraits, defineKernel, type Variant } from "../../../kernels/kernel";
import { newCounters } from "../../../src/backends/counters";
import { askedVariant, checkAskedVariant } from "../../../src/backends/webgpu/asked_variant";
import { Pipelines } from "../../../src/backends/webgpu/pipelines";
import { expectFennecError } from "../../support/expect_error";

afterEach(() => vi.unstubAllEnvs());

const variant = (name: string, runs: boolean, suits = runs): Variant => ({
  name,
  suits: () => suits,
  runs: () => runs,
  parts: [],
  grid: () => [1, 1, 1],
});
const kernel = defineKernel({
  name: "matmul",
  bindings: {},
  params: {},
  variants: [variant("usual", true), variant("trial", true, false), variant("elsewhere", false)],
});
const plan = { decode: [], prefill: [{ kernel, params: {}, buffers: {}, rows: "tokens" as const }] };
const pipelines = () => new Pipelines({} as GPUDevice, {} as DeviceTraits, newCounters(), askedVariant());

test.each(["", "trial", "usual"])("used: %j", (name) => {
  vi.stubEnv("FENNEC_VARIANT", name);
  const made = pipelines();
  checkAskedVariant(plan, made, 256);
  expect(made.candidates(kernel, 512)[0]!.name).toBe(name || "usual");
});

test.each(["elsewhere", "none"])("not here: %s", async (name) => {
  vi.stubEnv("FENNEC_VARIANT", name);
  await expectFennecError(
    async () => checkAskedVariant(plan, pipelines(), 256),
    "invalid-argument",
    name,
    "trial, usual",
  );
});

test("refused by the self-test", async () => {
  vi.stubEnv("FENNEC_VARIANT", "trial");
  const made = pipelines();
  made.refuse(kernel, kernel.variants[1]!);
  await expectFennecError(async () => checkAskedVariant(plan, made, 256), "invalid-argument", "trial", "refused");
});
