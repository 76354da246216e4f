// A WebGPU whose devices a test can take away, as a driver reset or a crashed GPU process does.

export interface LosableGpu {
  readonly gpu: GPU;
  /** Devices given out so far. */
  readonly devices: readonly GPUDevice[];
  /** Takes the latest device away. */
  readonly lose: () => void;
  /** From now on there is no adapter. */
  readonly remove: () => void;
}

export function losableGpu(real: GPU): LosableGpu {
  const devices: GPUDevice[] = [];
  let removed = false;
  const losableAdapter = (adapter: GPUAdapter) => ({
    info: adapter.info,
    features: adapter.features,
    limits: adapter.limits,
    async requestDevice(descriptor?: GPUDeviceDescriptor) {
      const device = await adapter.requestDevice(descriptor);
      devices.push(device);
      return device;
    },
  });
  const gpu = {
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = removed ? null : await real.requestAdapter(options);
      return adapter && losableAdapter(adapter);
    },
  };
  return {
    gpu: gpu as unknown as GPU,
    devices,
    lose: () => devices.at(-1)?.destroy(),
    remove: () => (removed = true),
  };
}
