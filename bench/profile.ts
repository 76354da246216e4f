// GPU time by kernel, without a line of it in the engine: a GPU whose devices put every dispatch into a pass of its own
// with a timestamp at both ends. That is slower, and small dispatches do not overlap as they otherwise might; what it
// shows is where the time goes, not how long a step takes.

export interface KernelTime {
  /** Label of the pipeline: kernel, variant, bucket of rows. */
  readonly kernel: string;
  readonly dispatches: number;
  readonly seconds: number;
}

export interface ProfiledGpu {
  /** Pass it to `load`. */
  readonly gpu: GPU;
  /** Forgets what was counted so far. */
  reset(): void;
  /** Most time first. Waits for results that are on their way. */
  times(): Promise<readonly KernelTime[]>;
}

/** Timestamps of one command buffer; sets hold 4096 at most. */
const MOST_DISPATCHES = 2048;

/** @throws Error, from `requestDevice`, where the adapter has no `timestamp-query`. */
export function profiledGpu(gpu: GPU): ProfiledGpu {
  const totals = new Map<string, { dispatches: number; seconds: number }>();
  const pending = new Set<Promise<void>>();
  const add = (kernel: string, seconds: number): void => {
    const total = totals.get(kernel) ?? { dispatches: 0, seconds: 0 };
    totals.set(kernel, { dispatches: total.dispatches + 1, seconds: total.seconds + seconds });
  };
  const wrapped = {
    wgslLanguageFeatures: gpu.wgslLanguageFeatures,
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await gpu.requestAdapter(options);
      if (!adapter) return adapter;
      if (!adapter.features.has("timestamp-query")) throw new Error("this adapter has no timestamp-query");
      const requestDevice = adapter.requestDevice.bind(adapter);
      adapter.requestDevice = async (descriptor = {}) => {
        const requiredFeatures = [...(descriptor.requiredFeatures ?? []), "timestamp-query" as const];
        const device = await requestDevice({ ...descriptor, requiredFeatures });
        profileDevice(device, add, pending);
        return device;
      };
      return adapter;
    },
  };
  return {
    gpu: wrapped as unknown as GPU,
    reset: () => totals.clear(),
    async times() {
      while (pending.size > 0) await Promise.all(pending);
      return [...totals].map(([kernel, total]) => ({ kernel, ...total })).sort((a, b) => b.seconds - a.seconds);
    },
  };
}

type Add = (kernel: string, seconds: number) => void;

/** What was recorded into one encoder. */
interface Recording {
  readonly querySet: GPUQuerySet;
  readonly labels: string[];
}

function profileDevice(device: GPUDevice, add: Add, pending: Set<Promise<void>>): void {
  const finished = new WeakMap<GPUCommandBuffer, () => Promise<void>>();
  const createEncoder = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createEncoder(descriptor);
    let recording: Recording | undefined;
    const beginPass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = () => {
      recording ??= { querySet: device.createQuerySet({ type: "timestamp", count: 2 * MOST_DISPATCHES }), labels: [] };
      return singlePasses(beginPass, recording);
    };
    const finish = encoder.finish.bind(encoder);
    encoder.finish = (options) => {
      if (!recording) return finish(options);
      const results = resolve(device, encoder, recording, add);
      const commands = finish(options);
      finished.set(commands, results);
      return commands;
    };
    return encoder;
  };
  const submit = device.queue.submit.bind(device.queue);
  device.queue.submit = (buffers) => {
    const list = [...buffers];
    submit(list);
    for (const commands of list) {
      const read = finished.get(commands);
      if (!read) continue;
      const done: Promise<void> = read().finally(() => pending.delete(done));
      pending.add(done);
    }
  };
}

/** A pass that is really one per dispatch. */
function singlePasses(
  begin: GPUCommandEncoder["beginComputePass"],
  { querySet, labels }: Recording,
): GPUComputePassEncoder {
  let pipeline: GPUComputePipeline | undefined;
  const groups = new Map<number, readonly unknown[]>();
  const immediates: (readonly unknown[])[] = [];
  const pass = {
    setPipeline(next: GPUComputePipeline) {
      pipeline = next;
    },
    setBindGroup(index: number, ...rest: readonly unknown[]) {
      groups.set(index, rest);
    },
    setImmediates(...values: readonly unknown[]) {
      immediates.push(values);
    },
    dispatchWorkgroups(x: number, y?: number, z?: number) {
      const at = 2 * labels.length;
      if (at >= 2 * MOST_DISPATCHES) throw new Error(`a profiled step has at most ${MOST_DISPATCHES} dispatches`);
      labels.push(pipeline!.label);
      const real = begin({
        timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
      }) as GPUComputePassEncoder & { setImmediates?: (...values: readonly unknown[]) => void };
      real.setPipeline(pipeline!);
      for (const [index, rest] of groups) (real.setBindGroup as (...all: readonly unknown[]) => void)(index, ...rest);
      for (const values of immediates) real.setImmediates?.(...values);
      real.dispatchWorkgroups(x, y, z);
      real.end();
    },
    end() {},
  };
  return pass as unknown as GPUComputePassEncoder;
}

/** Records the copy of the timestamps; the result reads them, after the submit. */
function resolve(device: GPUDevice, encoder: GPUCommandEncoder, { querySet, labels }: Recording, add: Add) {
  const size = Math.max(16, 16 * labels.length);
  const resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
  const mapped = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  if (labels.length > 0) encoder.resolveQuerySet(querySet, 0, 2 * labels.length, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, mapped, 0, size);
  return async (): Promise<void> => {
    await mapped.mapAsync(GPUMapMode.READ);
    const stamps = new BigUint64Array(mapped.getMappedRange());
    for (const [i, label] of labels.entries()) {
      add(label, Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!)) / 1e9);
    }
    for (const one of [querySet, resolved, mapped]) one.destroy();
  };
}
