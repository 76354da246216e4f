// What this device offers, before anything is loaded: for pages that want to say why a model will not run, and for
// `fennec doctor`.

import { platformGpu } from "./platform";

export interface Probe {
  /** True when `load` finds WebGPU here. */
  readonly webgpu: boolean;
  /** What `load` takes here by itself: ONNX Runtime on the processor without WebGPU; absent when neither is there. */
  readonly backend?: "webgpu" | "onnx";
  /** Why there is no WebGPU, and what to try; when `backend` is absent, also why there is no ONNX Runtime. */
  readonly reason?: string;
  readonly adapter?: AdapterProbe;
}

export interface AdapterProbe {
  /** For people: vendor, architecture, device, description. */
  readonly name: string;
  /** Rendered by the processor: it works, slowly. */
  readonly software: boolean;
  /** As WebGPU spells them, sorted. */
  readonly features: readonly string[];
  readonly limits: AdapterLimits;
}

/** The limits that decide what fits, as WebGPU names them; bytes where sizes. */
export interface AdapterLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
}

/** Never throws: what goes wrong is the answer. @param gpu Another WebGPU than this platform's. */
export async function probe(gpu?: GPU): Promise<Probe> {
  const found = await probeWebgpu(gpu);
  if (found.webgpu) return { ...found, backend: "webgpu" };
  try {
    const { importOrt } = await import("./backends/onnx/public_runtime");
    await importOrt();
    return { ...found, backend: "onnx" };
  } catch (error) {
    return { ...found, reason: `${found.reason} ${error instanceof Error ? error.message : String(error)}` };
  }
}

async function probeWebgpu(gpu?: GPU): Promise<Probe> {
  try {
    const found = gpu ?? (await platformGpu());
    if (!found) return { webgpu: false, reason: missing() };
    const adapter = await found.requestAdapter({ powerPreference: "high-performance" });
    if (adapter) return { webgpu: true, adapter: describe(adapter) };
    return {
      webgpu: false,
      reason:
        "WebGPU is present but gives no adapter: the graphics driver is missing or blocked. " +
        "Update the driver, or see chrome://gpu.",
    };
  } catch (error) {
    return { webgpu: false, reason: `WebGPU failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Why a platform without WebGPU has none. */
export function missing(): string {
  if (typeof isSecureContext !== "undefined" && !isSecureContext)
    return "WebGPU is hidden because this page is not secure: open it by https or from localhost.";
  if (typeof window === "undefined" && typeof process !== "undefined")
    return 'There is no WebGPU in this process: in Node install the package "webgpu" (Dawn) beside this one.';
  return "This browser has no WebGPU. Use a current Chrome, Edge, Safari or Firefox, or switch WebGPU on in its settings.";
}

function describe(adapter: GPUAdapter): AdapterProbe {
  const { info, limits } = adapter;
  const words = [info.vendor, info.architecture, info.device, info.description];
  return {
    name: [...new Set(words.filter((word) => word))].join(" ") || "unnamed adapter",
    software:
      info.isFallbackAdapter ||
      /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info.architecture} ${info.description}`),
    features: [...adapter.features].sort(),
    limits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  };
}
