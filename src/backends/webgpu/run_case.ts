// Runs one kernel case on a device with a compiled pipeline, and says how far the result is from the reference. Used by
// the self-test on a user's device and by the kernel tests.

import type { DeviceTraits, Variant } from "../../../kernels/kernel";
import { ROW_BUCKETS, rowBucket } from "../../../kernels/kernel";
import { type BufferContent, type Expected, type KernelCase, viewed } from "../../../kernels/testing";
import { encodeParams } from "./bindings";

/** A quiet NaN with a recognizable payload: what unwritten words of an output hold. */
const UNWRITTEN = 0x7fc0_dead;

/** @returns The final bytes of every `read_write` buffer, by binding name. */
export async function runCase(
  device: GPUDevice,
  traits: DeviceTraits,
  pipeline: GPUComputePipeline,
  variant: Variant,
  c: KernelCase,
): Promise<Map<string, ArrayBuffer>> {
  const { kernel } = c;
  const buffers = Object.entries(kernel.bindings).map(([name, access]) => {
    const content = name === "params" ? encodeParams(kernel, c.params) : c.buffers[name];
    if (!content) throw new Error(`case "${c.name}" of kernel ${kernel.name} has no buffer ${name}`);
    return { name, access, buffer: createBuffer(device, access === "uniform", bytesOf(content)) };
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map(({ buffer }, binding) => ({ binding, resource: { buffer } })),
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...variant.grid(c.params, gridRows(c.rows ?? 1), traits, { splits: c.splits ?? 1 }));
  pass.end();
  const copies = buffers
    .filter(({ access }) => access === "read_write")
    .map(({ name, buffer }) => {
      const copy = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
      return { name, copy };
    });
  device.queue.submit([encoder.finish()]);
  const results = new Map<string, ArrayBuffer>();
  for (const { name, copy } of copies) {
    await copy.mapAsync(GPUMapMode.READ);
    results.set(name, copy.getMappedRange().slice(0));
    copy.destroy();
  }
  for (const { buffer } of buffers) buffer.destroy();
  return results;
}

/** @returns What is wrong with the results, for people; undefined when all are within the case's tolerance. */
export async function caseFailure(
  device: GPUDevice,
  traits: DeviceTraits,
  pipeline: GPUComputePipeline,
  variant: Variant,
  c: KernelCase,
): Promise<string | undefined> {
  const results = await runCase(device, traits, pipeline, variant, c);
  const allowed = variant.enable?.includes("f16") ? (c.toleranceF16 ?? c.tolerance) : c.tolerance;
  for (const [name, want] of Object.entries(c.expected(variant))) {
    const { error, at } = caseError(viewed(c, name, results.get(name)!), want);
    if (!(error <= allowed)) return `case "${c.name}", ${name}[${at}]: error ${error}, allowed ${allowed}`;
  }
  return undefined;
}

/** Rows that a grid is made for: the bucket up to the largest, then the rows themselves. */
export function gridRows(rows: number): number {
  return rows <= ROW_BUCKETS[ROW_BUCKETS.length - 1]! ? rowBucket(rows) : rows;
}

/**
 * The largest `|got - want| / max(|want|, root mean square of want)` of an output, and where. NaN in `want` means an
 * element that must be left unwritten; integers and a tolerance of 0 ask for equal bits (1 or 0 is returned).
 */
export function caseError(got: ArrayBuffer, want: Expected): { readonly error: number; readonly at: number } {
  const worst = { error: 0, at: 0 };
  const note = (error: number, at: number) => {
    if (!(error <= worst.error)) Object.assign(worst, { error, at });
  };
  const bits = new Uint32Array(got);
  if (want instanceof Uint32Array || want instanceof Int32Array) {
    want.forEach((word, at) => {
      note(bits[at] === word >>> 0 ? 0 : 1, at);
    });
    return worst;
  }
  const floats = new Float32Array(got);
  let squares = 0;
  let count = 0;
  for (const value of want) {
    if (Number.isNaN(value)) continue;
    squares += value * value;
    count++;
  }
  const rms = Math.sqrt(squares / Math.max(1, count));
  want.forEach((value: number, at: number) => {
    // As kernels write no NaN, one that is there was there before.
    if (Number.isNaN(value)) note(Number.isNaN(floats[at]) ? 0 : 1, at);
    else note(Math.abs(floats[at]! - value) / Math.max(Math.abs(value), rms, Number.MIN_VALUE), at);
  });
  return worst;
}

function bytesOf(content: BufferContent): Uint8Array {
  if (!("words" in content)) return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  return new Uint8Array(new Uint32Array(content.words).fill(UNWRITTEN).buffer);
}

function createBuffer(device: GPUDevice, uniform: boolean, bytes: Uint8Array): GPUBuffer {
  const { UNIFORM, STORAGE, COPY_SRC } = GPUBufferUsage;
  const buffer = device.createBuffer({
    size: Math.max(16, 16 * Math.ceil(bytes.byteLength / 16)),
    usage: uniform ? UNIFORM : STORAGE | COPY_SRC,
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange()).set(bytes);
  buffer.unmap();
  return buffer;
}
