// The GPU device: which adapter, which features and limits are asked for, and the traits by which kernels choose their
// variants.

import type { DeviceTraits } from "../../../kernels/kernel";
import { FennecError } from "../../errors";
import { type Awaiting, awaitingOn } from "./firefox_poll";
import { matrixSize, SUBGROUP_MATRIX } from "./subgroup_matrix";
import { type VerdictKey, verdictKey } from "./verdicts";

export interface Gpu {
  readonly device: GPUDevice;
  readonly traits: DeviceTraits;
  /** For people: vendor, architecture, description. */
  readonly adapter: string;
  /** As WebGPU spells it: `nvidia`, `apple`, ...; empty where it does not tell. */
  readonly vendor: string;
  /** Wraps promises that the GPU settles, or work that awaits such. */
  readonly awaiting: Awaiting;
  /** Under which findings about this device are kept (verdicts.ts). */
  readonly verdicts: VerdictKey;
}

export interface GpuOptions {
  /** Ask for default limits and no optional features, whatever the adapter has: what Safari and Firefox may give. */
  readonly defaultLimits?: boolean;
  /** Pretend that these are missing. */
  readonly without?: readonly ("f16" | "subgroups" | "packedDot")[];
}

/** Features that are asked for where they are; timestamps are for tuning. */
const FEATURES = ["shader-f16", "subgroups", "timestamp-query", SUBGROUP_MATRIX] as const;

/** Limits that are asked for at the adapter's maximum. Storage buffers per stage stay at the portable 8. */
const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/**
 * Opens a device.
 *
 * @throws FennecError `webgpu-missing` when there is no adapter or it gives no device.
 */
export async function openGpu(gpu: GPU, options: GpuOptions = {}): Promise<Gpu> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new FennecError(
      "webgpu-missing",
      "WebGPU is present but gives no adapter: the GPU is blocked, its driver is missing, or the browser refuses it. " +
        "Update the driver, or choose another backend.",
    );
  }
  const wanted = FEATURES.filter((feature) => adapter.features.has(feature));
  const descriptor: GPUDeviceDescriptor = options.defaultLimits
    ? {}
    : {
        requiredFeatures: wanted,
        requiredLimits: Object.fromEntries(RAISED_LIMITS.map((limit) => [limit, adapter.limits[limit]])),
      };
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice(descriptor);
  } catch (cause) {
    throw new FennecError("webgpu-missing", `The adapter ${describe(adapter.info)} gives no device: ${cause}`, {
      cause,
    });
  }
  const { info } = adapter;
  return {
    device,
    traits: traitsOf(gpu, device, info, options.without ?? []),
    adapter: describe(info),
    awaiting: awaitingOn(device),
    vendor: info.vendor,
    verdicts: verdictKey(info, device.features, device.limits),
  };
}

function traitsOf(gpu: GPU, device: GPUDevice, info: GPUAdapterInfo, without: readonly string[]): DeviceTraits {
  const subgroups = device.features.has("subgroups") && !without.includes("subgroups");
  const matrices = subgroups && device.features.has(SUBGROUP_MATRIX);
  return {
    f16: device.features.has("shader-f16") && !without.includes("f16"),
    subgroups,
    subgroupMin: subgroups ? info.subgroupMinSize : 0,
    subgroupMax: subgroups ? info.subgroupMaxSize : 0,
    packedDot:
      !without.includes("packedDot") && (gpu.wgslLanguageFeatures?.has("packed_4x8_integer_dot_product") ?? false),
    matrixF16: matrices ? matrixSize(info, "f16") : undefined,
    matrixF32: matrices ? matrixSize(info, "f32") : undefined,
    maxInvocations: device.limits.maxComputeInvocationsPerWorkgroup,
    maxWorkgroupBytes: device.limits.maxComputeWorkgroupStorageSize,
    software: isSoftware(info),
  };
}

function isSoftware(info: GPUAdapterInfo): boolean {
  return (
    info.isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info.architecture} ${info.description}`)
  );
}

function describe(info: GPUAdapterInfo): string {
  const words = [info.vendor, info.architecture, info.device, info.description];
  const said = words.filter((word) => word && !/^\d+$/.test(word)); // wgpu has numbers there
  return [...new Set(said)].join(" ") || "unnamed adapter";
}
