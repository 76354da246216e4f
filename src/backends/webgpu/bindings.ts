// Everything a step replays, bound once: the parameters of each dispatch in one uniform buffer and a bind group per
// dispatch. Nothing here depends on rows, sequences or sampler settings.

import type { Kernel, ParamTypes } from "../../../kernels/kernel";
import type { BufferRef, PlannedDispatch } from "../../plan/plan";
import type { Counters } from "../backend";
import type { GpuMemory } from "./memory";
import type { Pipelines } from "./pipelines";

export interface BoundDispatch extends PlannedDispatch {
  readonly group: GPUBindGroup;
}

export function bindDispatches(
  device: GPUDevice,
  dispatches: readonly PlannedDispatch[],
  pipelines: Pipelines,
  memory: GpuMemory,
  counters: Counters,
  bufferOf: (ref: BufferRef) => GPUBuffer,
): BoundDispatch[] {
  const stride = Math.max(device.limits.minUniformBufferOffsetAlignment, 64);
  const params = new ArrayBuffer(stride * dispatches.length);
  dispatches.forEach(({ kernel, params: values }, index) => {
    new Uint8Array(params, index * stride).set(encodeParams(kernel, values));
  });
  const buffer = memory.create("params", params.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, "other");
  device.queue.writeBuffer(buffer, 0, params);
  counters.otherWrites++;

  return dispatches.map((dispatch, index) => {
    const { kernel, buffers } = dispatch;
    const size = paramBytes(kernel.params);
    counters.bindGroups++;
    const group = device.createBindGroup({
      label: kernel.name,
      layout: pipelines.layout(kernel),
      entries: Object.keys(kernel.bindings).map((name, binding) => {
        if (name === "params") return { binding, resource: { buffer, offset: index * stride, size } };
        const ref = buffers[name];
        if (!ref) throw new Error(`kernel ${kernel.name}: the plan gives no buffer for "${name}"`);
        return { binding, resource: { buffer: bufferOf(ref) } };
      }),
    });
    return { ...dispatch, group };
  });
}

/** Bytes of a shader's `struct Params`, as uniforms are padded. */
export function paramBytes(types: ParamTypes): number {
  return 16 * Math.ceil((4 * Object.keys(types).length) / 16);
}

/** The fields in the order of the kernel's definition, four bytes each. */
export function encodeParams(kernel: Kernel, values: Readonly<Record<string, number>>): Uint8Array {
  const bytes = new Uint8Array(paramBytes(kernel.params));
  const view = new DataView(bytes.buffer);
  Object.entries(kernel.params).forEach(([name, type], index) => {
    const value = values[name];
    if (value === undefined) throw new Error(`kernel ${kernel.name}: parameter "${name}" has no value`);
    if (type === "f32") view.setFloat32(4 * index, value, true);
    else if (type === "i32") view.setInt32(4 * index, value, true);
    else view.setUint32(4 * index, value, true);
  });
  return bytes;
}
