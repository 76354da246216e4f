// The WebGPU devices that tests run on: the adapter of the project at hand (Dawn in Node, or the browser's), with what
// it offers, or with default limits and no optional features. A missing adapter is an error, never a skip.

import type { DeviceTraits } from "../../kernels/kernel";
import { matrixSize, SUBGROUP_MATRIX } from "../../src/backends/webgpu/subgroup_matrix";

/** `full`: all the adapter has. `default-limits`: none of it; the stand-in for Safari and Firefox. */
export type DeviceKind = "full" | "default-limits";
export const DEVICE_KINDS: readonly DeviceKind[] = ["full", "default-limits"];

export interface GpuTestDevice {
  readonly kind: DeviceKind;
  readonly device: GPUDevice;
  readonly traits: DeviceTraits;
}

let gpu: Promise<GPU> | undefined;

/** `navigator.gpu` in a browser, Dawn's in Node. */
export function testGpu(): Promise<GPU> {
  gpu ??= (async () => {
    if (typeof navigator !== "undefined" && navigator.gpu) return navigator.gpu;
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    // Subgroup matrices are experimental: Dawn shows them to those who ask.
    const unsafe = import.meta.env.FENNEC_TEST_ADAPTER === "matrix";
    return create(unsafe ? ["enable-dawn-features=allow_unsafe_apis"] : []);
  })();
  return gpu;
}

export async function testAdapter(): Promise<GPUAdapter> {
  const adapter = await (await testGpu()).requestAdapter();
  if (!adapter) throw new Error("No WebGPU adapter: run test/adapters/setup.sh (see README, Tests).");
  return adapter;
}

const devices = new Map<DeviceKind, Promise<GpuTestDevice>>();

/** The device of this kind, shared by the tests of a file. A lost one is replaced, so that one failure stays one. */
export function testDevice(kind: DeviceKind): Promise<GpuTestDevice> {
  const existing = devices.get(kind);
  if (existing) return existing;
  const made = requestTestDevice(kind);
  devices.set(kind, made);
  const forget = () => {
    if (devices.get(kind) === made) devices.delete(kind);
  };
  made.then(({ device }) => device.lost.then(forget), forget);
  return made;
}

async function requestTestDevice(kind: DeviceKind): Promise<GpuTestDevice> {
  const adapter = await testAdapter();
  const device = await adapter.requestDevice(kind === "full" ? everything(adapter) : {});
  return { kind, device, traits: traitsOf(await testGpu(), adapter, device) };
}

function everything(adapter: GPUAdapter): GPUDeviceDescriptor {
  const wanted: readonly GPUFeatureName[] = ["shader-f16", "subgroups", SUBGROUP_MATRIX];
  const requiredLimits: Record<string, number> = {};
  // The limits are getters of the prototype.
  for (const name in adapter.limits) {
    const value: unknown = Reflect.get(adapter.limits, name);
    if (typeof value === "number") requiredLimits[name] = value;
  }
  return { requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)), requiredLimits };
}

function traitsOf(gpu: GPU, adapter: GPUAdapter, device: GPUDevice): DeviceTraits {
  const subgroups = device.features.has("subgroups");
  const matrices = device.features.has(SUBGROUP_MATRIX);
  return {
    f16: device.features.has("shader-f16"),
    subgroups,
    subgroupMin: subgroups ? adapter.info.subgroupMinSize : 0,
    subgroupMax: subgroups ? adapter.info.subgroupMaxSize : 0,
    packedDot: gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product"),
    matrixF16: matrices ? matrixSize(adapter.info, "f16") : undefined,
    matrixF32: matrices ? matrixSize(adapter.info, "f32") : undefined,
    maxInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    software: adapter.info.isFallbackAdapter,
  };
}
