// Every pipeline of the first steps runs once before the first request: drivers finish compiling a shader when it first
// runs, and a person would wait for all of them at the first token. One workgroup each, on the step's own buffers: what it
// writes there is written again before it is read.

import type { BoundDispatch } from "./bindings";
import type { Pipelines } from "./pipelines";

/** @param buckets Numbers of rows (kernels/kernel.ts) whose pipelines are compiled. Resolves when the GPU has run them all. */
export async function warmUp(
  device: GPUDevice,
  dispatches: readonly BoundDispatch[],
  pipelines: Pipelines,
  buckets: readonly number[],
): Promise<void> {
  const first = new Map<GPUComputePipeline, GPUBindGroup>();
  for (const { kernel, group } of dispatches)
    for (const bucket of buckets) {
      const compiled = pipelines.ready(kernel, bucket);
      if (compiled && !first.has(compiled.pipeline)) first.set(compiled.pipeline, group);
    }
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const [pipeline, group] of first) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
  }
  pass.end();
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
}
