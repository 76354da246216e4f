// Counts what an engine asks of WebGPU, the same way for all: bytes of buffers that are alive, and calls. Runs in the
// engine's own realm, which answers over a channel when it is asked; nothing is sent while an engine is measured.

export interface GpuCounts {
  readonly bytes: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly bindGroups: number;
  readonly buffers: number;
}

/**
 * Installs the meter in the realm that calls it. Self-contained: its source is also put in front of workers that a
 * library makes for itself.
 */
export function installGpuMeter(label: string): void {
  if (typeof GPUDevice === "undefined") return;
  const counts = { bytes: 0, dispatches: 0, submits: 0, bindGroups: 0, buffers: 0 };
  const alive = new WeakMap<GPUBuffer, number>();
  const device = GPUDevice.prototype;
  const { createBuffer, createBindGroup } = device;
  device.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    alive.set(buffer, descriptor.size);
    counts.bytes += descriptor.size;
    counts.buffers++;
    return buffer;
  };
  device.createBindGroup = function (descriptor) {
    counts.bindGroups++;
    return createBindGroup.call(this, descriptor);
  };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function () {
    counts.bytes -= alive.get(this) ?? 0;
    alive.delete(this);
    return destroy.call(this);
  };
  const { submit } = GPUQueue.prototype;
  GPUQueue.prototype.submit = function (commands) {
    counts.submits++;
    return submit.call(this, commands);
  };
  const pass = GPUComputePassEncoder.prototype;
  const { dispatchWorkgroups, dispatchWorkgroupsIndirect } = pass;
  pass.dispatchWorkgroups = function (...sizes) {
    counts.dispatches++;
    return dispatchWorkgroups.apply(this, sizes);
  };
  pass.dispatchWorkgroupsIndirect = function (...where) {
    counts.dispatches++;
    return dispatchWorkgroupsIndirect.apply(this, where);
  };
  const channel = new BroadcastChannel("fennec-benchmark-gpu");
  channel.onmessage = ({ data }) => {
    if (data.ask === label) channel.postMessage({ answer: label, counts: { ...counts } });
  };
}

/** Milliseconds after which a realm without a meter is given up. */
const PATIENCE_MS = 2000;

/** What the realm with this label counted since it began; undefined where none answers. */
export function gpuCounts(label: string): Promise<GpuCounts | undefined> {
  const channel = new BroadcastChannel("fennec-benchmark-gpu");
  return new Promise((resolve) => {
    const done = (counts?: GpuCounts) => {
      clearTimeout(timer);
      channel.close();
      resolve(counts);
    };
    const timer = setTimeout(done, PATIENCE_MS);
    channel.onmessage = ({ data }) => data.answer === label && done(data.counts);
    channel.postMessage({ ask: label });
  });
}
