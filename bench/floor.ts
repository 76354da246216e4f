// What a device costs at best, measured through the same API that the engine uses: bandwidth, the boundary between
// dependent dispatches, and what encoding, submitting and reading back cost the host. The floor of a row is made of these
// (floor_model.ts).

import chain from "./kernels/chain.wgsl?raw";
import copy from "./kernels/copy.wgsl?raw";
import fma from "./kernels/fma.wgsl?raw";
import read from "./kernels/read.wgsl?raw";
import { median } from "./statistics";

export interface DeviceCosts {
  readonly adapter: string;
  /** Drawn by the processor: ranks barriers, not bytes. Nothing about speed follows from it. */
  readonly software: boolean;
  readonly features: readonly string[];
  /** Bytes read plus bytes written a second, by a kernel that copies. */
  readonly copyBytesPerSecond: number;
  /** Bytes a second, by a kernel that only reads. */
  readonly readBytesPerSecond: number;
  /** f32 operations a second, in registers. */
  readonly flopsPerSecond: number;
  /** One dependent dispatch of one workgroup in a pass of many. */
  readonly boundarySeconds: number;
  /** Whether the GPU's clock measured it, or the host's. */
  readonly boundaryClock: "gpu" | "host";
  /** The host's work for one dispatch: pipeline, bind group, dispatch. */
  readonly encodeSeconds: number;
  /** The host's work for an empty submit. */
  readonly submitSeconds: number;
  /** From a submit to 4 bytes on the host. */
  readonly readbackSeconds: number;
}

const CHAIN = 1000;
const REPEATS = 5;

/**
 * Measures for about a second on a GPU.
 * @throws Error when there is no adapter, or the device refuses a kernel.
 */
export async function measureDevice(gpu: GPU): Promise<DeviceCosts> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("WebGPU gives no adapter");
  const { info } = adapter;
  const words = [info.vendor, info.architecture, info.device, info.description];
  const software =
    info.isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info.architecture} ${info.description}`);
  const clock = adapter.features.has("timestamp-query");
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: clock ? ["timestamp-query"] : [],
    requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
  });
  let failure: string | undefined;
  device.addEventListener("uncapturederror", ({ error }) => {
    failure ??= error.message;
  });
  try {
    const bytes = Math.min(software ? 8 << 20 : 512 << 20, maxStorageBufferBindingSize, maxBufferSize);
    const streams = await streamRates(device, bytes);
    const boundary = await boundaryCost(device, clock);
    const costs = {
      adapter: [...new Set(words.filter((word) => word))].join(" ") || "unnamed adapter",
      software,
      features: [...adapter.features].sort(),
      ...streams,
      flopsPerSecond: await flopRate(device, software),
      ...boundary,
      encodeSeconds: encodeCost(device),
      submitSeconds: await submitCost(device),
      readbackSeconds: await readbackCost(device),
    };
    if (failure) throw new Error(`the device's costs cannot be measured: ${failure}`);
    return costs;
  } finally {
    device.destroy();
  }
}

interface Ready {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

function ready(device: GPUDevice, code: string, ...buffers: readonly GPUBuffer[]): Ready {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  return { pipeline, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) };
}

function storage(device: GPUDevice, bytes: number, more = 0): GPUBuffer {
  return device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | more });
}

/** A pass of `count` dispatches, recorded. */
function record(
  device: GPUDevice,
  { pipeline, group }: Ready,
  count: number,
  groups: number,
  timestampWrites?: GPUComputePassTimestampWrites,
  after?: (encoder: GPUCommandEncoder) => void,
): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass(timestampWrites && { timestampWrites });
  for (let i = 0; i < count; i++) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
  }
  pass.end();
  after?.(encoder);
  return encoder.finish();
}

/** Seconds from submit to done. */
async function timed(device: GPUDevice, commands: GPUCommandBuffer): Promise<number> {
  const start = performance.now();
  device.queue.submit([commands]);
  await device.queue.onSubmittedWorkDone();
  return (performance.now() - start) / 1000;
}

/**
 * Seconds of one dispatch: the least time of many without the least time of one, so that what a submit costs drops out.
 * `many` grows until a measurement takes long enough for the clock.
 */
async function secondsPerDispatch(device: GPUDevice, kernel: Ready, groups: number): Promise<number> {
  const run = (count: number) => timed(device, record(device, kernel, count, groups));
  await run(2);
  let many = 4;
  while ((await run(many)) < 0.05 && many < 4096) many *= 2;
  const ofMany: number[] = [];
  const ofOne: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    ofMany.push(await run(many));
    ofOne.push(await run(1));
  }
  return perDispatch(Math.min(...ofMany), Math.min(...ofOne), many);
}

/** Where other programs took the time of the single one, its share of the many stands in: too long, but no nonsense. */
export function perDispatch(manySeconds: number, oneSeconds: number, many: number): number {
  const difference = (manySeconds - oneSeconds) / (many - 1);
  return difference > 0.5 * (manySeconds / many) ? difference : manySeconds / many;
}

async function streamRates(device: GPUDevice, bytes: number) {
  const x = storage(device, bytes);
  const y = storage(device, bytes);
  const groups = Math.min(4096, bytes / 4096);
  const copySeconds = await secondsPerDispatch(device, ready(device, copy, x, y), groups);
  const readSeconds = await secondsPerDispatch(device, ready(device, read, x, y), groups);
  x.destroy();
  y.destroy();
  return { copyBytesPerSecond: (2 * bytes) / copySeconds, readBytesPerSecond: bytes / readSeconds };
}

/** As fma.wgsl counts them. */
const FLOPS_PER_INVOCATION = 16 * 64 * 8 * 2;

async function flopRate(device: GPUDevice, software: boolean): Promise<number> {
  const groups = software ? 16 : 8192;
  const y = storage(device, 16 * 256 * groups);
  const seconds = await secondsPerDispatch(device, ready(device, fma, y), groups);
  y.destroy();
  return (groups * 256 * FLOPS_PER_INVOCATION) / seconds;
}

async function boundaryCost(device: GPUDevice, gpuClock: boolean) {
  const counter = storage(device, 256);
  const kernel = ready(device, chain, counter);
  await timed(device, record(device, kernel, CHAIN, 1));
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const whole = gpuClock
      ? await clocked(device, kernel)
      : (await timed(device, record(device, kernel, CHAIN, 1))) - (await timed(device, record(device, kernel, 0, 1)));
    times.push(whole / CHAIN);
  }
  counter.destroy();
  return {
    boundarySeconds: Math.max(1e-9, median(times)),
    boundaryClock: gpuClock ? ("gpu" as const) : ("host" as const),
  };
}

/** Seconds of the chain by the GPU's own clock. */
async function clocked(device: GPUDevice, kernel: Ready): Promise<number> {
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const resolved = device.createBuffer({ size: 16, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const mapped = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const writes = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
  const commands = record(device, kernel, CHAIN, 1, writes, (encoder) => {
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, mapped, 0, 16);
  });
  device.queue.submit([commands]);
  await mapped.mapAsync(GPUMapMode.READ);
  const [begin = 0n, end = 0n] = new BigUint64Array(mapped.getMappedRange());
  for (const one of [querySet, resolved, mapped]) one.destroy();
  return Number(end - begin) / 1e9;
}

function encodeCost(device: GPUDevice): number {
  const kernel = ready(device, chain, storage(device, 256));
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now();
    record(device, kernel, CHAIN, 1);
    times.push((performance.now() - start) / 1000 / CHAIN);
  }
  return median(times);
}

async function submitCost(device: GPUDevice): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 50; i++) {
    const commands = device.createCommandEncoder().finish();
    const start = performance.now();
    device.queue.submit([commands]);
    times.push((performance.now() - start) / 1000);
  }
  await device.queue.onSubmittedWorkDone();
  return median(times);
}

async function readbackCost(device: GPUDevice): Promise<number> {
  const from = storage(device, 16);
  const to = device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, 4);
    const commands = encoder.finish();
    const start = performance.now();
    device.queue.submit([commands]);
    await to.mapAsync(GPUMapMode.READ);
    times.push((performance.now() - start) / 1000);
    to.unmap();
  }
  from.destroy();
  to.destroy();
  return median(times);
}
