// Runs one kernel case in one variant on a test device: links, compiles, binds, dispatches, reads back. It does by the
// shortest way what the webgpu backend does by a fast one, and shares no code with it.

import { MAX_ROWS } from "../../kernels/common/batch";
import { type Access, type DeviceTraits, type Kernel, rowBucket, type Variant } from "../../kernels/kernel";
import { link } from "../../kernels/linker";
import type { BufferContent, KernelCase } from "../../kernels/testing";
import type { GpuTestDevice } from "./gpu";

/** A quiet NaN with a payload to recognize: what an output's words hold before the kernel runs. */
const UNWRITTEN = 0x7fc0_dead;

const LAYOUT_TYPES: Readonly<Record<Access, GPUBufferBindingType>> = {
  uniform: "uniform",
  read: "read-only-storage",
  read_write: "storage",
};

/** Variants that serve the case's rows: those the device can run, and those it cannot. */
export function variantsOf(c: KernelCase, traits: DeviceTraits): { run: Variant[]; notApplicable: Variant[] } {
  const bucket = rowBucket(c.rows ?? 1);
  const serving = c.kernel.variants.filter(
    ({ rows: [least, most] = [1, Infinity] }) => least <= bucket && bucket <= most,
  );
  return {
    run: serving.filter((variant) => canRun(variant, traits)),
    notApplicable: serving.filter((variant) => !canRun(variant, traits)),
  };
}

/** Taste (for hardware, for software) must not hide a variant from the tests. */
function canRun(variant: Variant, traits: DeviceTraits): boolean {
  const runs = variant.runs ?? variant.suits;
  return runs({ ...traits, software: false }) || runs({ ...traits, software: true });
}

/** @returns The final bytes of each `read_write` buffer, by binding name. */
export async function launch(test: GpuTestDevice, c: KernelCase, variant: Variant): Promise<Map<string, ArrayBuffer>> {
  const { device, traits } = test;
  const rows = c.rows ?? 1;
  const bucket = rowBucket(rows);
  // As the backend: a decode step's grid is the bucket's, a chunk's is made for its rows.
  const gridRows = bucket === MAX_ROWS ? rows : bucket;
  const strangers = Object.keys(c.buffers).filter((name) => !(name in c.kernel.bindings));
  if (strangers.length > 0)
    throw new Error(`case "${c.name}": kernel ${c.kernel.name} binds no ${strangers.join(", ")}`);

  const { pipeline, layout } = await pipelineOf(test, c.kernel, variant, bucket);
  return scoped(device, async () => {
    const buffers = Object.entries(c.kernel.bindings).map(([name, access]) => {
      const bytes = name === "params" ? paramBytes(c) : contentBytes(c, name);
      return { name, access, buffer: createBuffer(device, access, bytes) };
    });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout,
        entries: buffers.map(({ buffer }, binding) => ({ binding, resource: { buffer } })),
      }),
    );
    pass.dispatchWorkgroups(...variant.grid(c.params, gridRows, traits, { splits: c.splits ?? 1 }));
    pass.end();
    const copies = buffers
      .filter(({ access }) => access === "read_write")
      .map(({ name, buffer }) => {
        const copy = device.createBuffer({
          size: buffer.size,
          usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
        });
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
  });
}

interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const compiled = new WeakMap<GPUDevice, Map<string, Promise<Compiled>>>();

function pipelineOf({ device, traits }: GpuTestDevice, kernel: Kernel, variant: Variant, bucket: number) {
  const constants = variant.constants?.(bucket, traits) ?? {};
  // Kernels with equal names are equal; buckets that make no difference to the constants share a pipeline.
  const key = `${kernel.name} ${variant.name} ${JSON.stringify(constants)}`;
  const known = compiled.get(device) ?? new Map<string, Promise<Compiled>>();
  compiled.set(device, known);
  const existing = known.get(key);
  if (existing) return existing;
  const code = link(kernel.name, variant.parts, kernel.bindings, constants, variant.enable);
  const made = compile(device, kernel, code, key);
  known.set(key, made);
  return made;
}

async function compile(device: GPUDevice, kernel: Kernel, code: string, label: string): Promise<Compiled> {
  const layout = device.createBindGroupLayout({
    entries: Object.values(kernel.bindings).map((access, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: LAYOUT_TYPES[access] },
    })),
  });
  // The module's own errors go to the scope; the pipeline's rejection says less than the compiler's messages.
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code, label });
  const [info] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
  const errors = info.messages.filter(({ type }) => type === "error");
  if (errors.length > 0)
    throw new Error(
      `${label} does not compile:\n${errors.map((e) => `line ${e.lineNum}: ${e.message}\n${around(code, e.lineNum)}`).join("\n")}`,
    );
  const pipeline = await device.createComputePipelineAsync({
    label,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: "main" },
  });
  return { pipeline, layout };
}

function around(code: string, line: number): string {
  const from = Math.max(0, line - 4);
  const excerpt = code.split("\n").slice(from, line + 3);
  return excerpt.map((text, at) => `${from + at + 1 === line ? ">" : " "} ${from + at + 1} | ${text}`).join("\n");
}

/** Turns what WebGPU only reports to scopes into an error of the test that caused it. */
async function scoped<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  const filters: readonly GPUErrorFilter[] = ["validation", "out-of-memory", "internal"];
  for (const filter of filters) device.pushErrorScope(filter);
  const outcome = await work().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const errors = await Promise.all(filters.map(() => device.popErrorScope()));
  const found = errors.find((error) => error !== null);
  if (found) throw new Error(found.message);
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

function createBuffer(device: GPUDevice, access: Access, bytes: Uint8Array): GPUBuffer {
  const kind = access === "uniform" ? GPUBufferUsage.UNIFORM : GPUBufferUsage.STORAGE;
  const buffer = device.createBuffer({
    size: Math.max(16, 4 * Math.ceil(bytes.length / 4)),
    usage: kind | GPUBufferUsage.COPY_SRC,
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange()).set(bytes);
  buffer.unmap();
  return buffer;
}

function contentBytes(c: KernelCase, name: string): Uint8Array {
  const content: BufferContent | undefined = c.buffers[name];
  if (!content) throw new Error(`case "${c.name}" gives no buffer ${name}`);
  if (!("words" in content)) return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  return new Uint8Array(new Uint32Array(content.words).fill(UNWRITTEN).buffer);
}

function paramBytes(c: KernelCase): Uint8Array {
  const types = Object.entries(c.kernel.params);
  const view = new DataView(new ArrayBuffer(16 * Math.ceil(types.length / 4)));
  types.forEach(([name, type], at) => {
    const value = c.params[name];
    if (value === undefined) throw new Error(`case "${c.name}" gives no parameter ${name}`);
    if (type === "f32") view.setFloat32(4 * at, value, true);
    else if (type === "i32") view.setInt32(4 * at, value, true);
    else view.setUint32(4 * at, value, true);
  });
  return new Uint8Array(view.buffer);
}
