// The WebGPU devices that tests run on: the adapter of the project at hand (Dawn in Node, or the browser's), with what
// it offers, or with default limits and no optional features. A missing adapter is an error, never a skip.

export type DeviceKind = "full" | "default-limits";

let gpu: GPU | undefined;

/** `navigator.gpu` in a browser, Dawn's in Node. */
export async function testGpu(): Promise<GPU> {
  if (gpu) return gpu;
  if (typeof navigator !== "undefined" && navigator.gpu) gpu = navigator.gpu;
  else {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    gpu = create([]);
  }
  return gpu;
}

export async function testAdapter(): Promise<GPUAdapter> {
  const adapter = await (await testGpu()).requestAdapter();
  if (!adapter) throw new Error("No WebGPU adapter: run test/adapters/setup.sh (see README, Tests).");
  return adapter;
}
