// How long dispatches take: by the GPU's own timestamps, or by the host's clock where there are none.

export interface TimedDispatch {
  readonly group: GPUBindGroup;
  readonly grid: readonly [number, number, number];
}

export interface GpuTimer {
  /** What a measurement must take to mean something, milliseconds. */
  readonly leastMs: number;
  /** Runs `count` dispatches, `work` over and over, in one pass. @returns Milliseconds. */
  run(pipeline: GPUComputePipeline, work: readonly TimedDispatch[], count: number): Promise<number>;
  dispose(): void;
}

/** Browsers give timestamps in steps of 65.5 microseconds (Dawn: `kTimestampQuantizationMask`): 30 of them. */
const LEAST_BY_TIMESTAMPS = 2;
/** A submit and its return cost up to a few milliseconds. */
const LEAST_BY_CLOCK = 20;

export function gpuTimer(device: GPUDevice): GpuTimer {
  return device.features.has("timestamp-query") ? byTimestamps(device) : byClock(device);
}

function byTimestamps(device: GPUDevice): GpuTimer {
  const querySet = device.createQuerySet({ type: "timestamp", count: 2 });
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const resolved = device.createBuffer({ size: 16, usage: QUERY_RESOLVE | COPY_SRC });
  const mapped = device.createBuffer({ size: 16, usage: COPY_DST | MAP_READ });
  return {
    leastMs: LEAST_BY_TIMESTAMPS,
    async run(pipeline, work, count) {
      const encoder = device.createCommandEncoder();
      record(encoder, pipeline, work, count, {
        querySet,
        beginningOfPassWriteIndex: 0,
        endOfPassWriteIndex: 1,
      });
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, mapped, 0, 16);
      device.queue.submit([encoder.finish()]);
      await mapped.mapAsync(GPUMapMode.READ);
      const [begin, end] = new BigUint64Array(mapped.getMappedRange());
      mapped.unmap();
      return Math.max(0, Number(end! - begin!) / 1e6);
    },
    dispose() {
      for (const one of [querySet, resolved, mapped]) one.destroy();
    },
  };
}

function byClock(device: GPUDevice): GpuTimer {
  return {
    leastMs: LEAST_BY_CLOCK,
    async run(pipeline, work, count) {
      const encoder = device.createCommandEncoder();
      record(encoder, pipeline, work, count);
      const commands = encoder.finish();
      const start = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - start;
    },
    dispose() {},
  };
}

function record(
  encoder: GPUCommandEncoder,
  pipeline: GPUComputePipeline,
  work: readonly TimedDispatch[],
  count: number,
  timestampWrites?: GPUComputePassTimestampWrites,
): void {
  const pass = encoder.beginComputePass(timestampWrites && { timestampWrites });
  pass.setPipeline(pipeline);
  for (let i = 0; i < count; i++) {
    const { group, grid } = work[i % work.length]!;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...grid);
  }
  pass.end();
}
