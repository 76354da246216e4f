// The contract of step() on the webgpu backend: as the device prefers its kernels, and in each other family of variants.

import { createWebgpuBackend } from "../../src/backends/webgpu/index";
import { describeBackend } from "../support/conformance";
import { testGpu } from "../support/gpu";

describeBackend("webgpu", async (input) => createWebgpuBackend(input, await testGpu(), { selfTest: false }));
describeBackend("webgpu without barriers saved: workgroup variants, default limits", async (input) =>
  createWebgpuBackend(input, await testGpu(), { preferVariant: "workgroup", defaultLimits: true, selfTest: false }),
);
