// What is different on an adapter that is no software: a stand-in that says so of itself.

import { expect, test } from "vitest";
import { createWebgpuBackend } from "../../src/backends/webgpu/index";
import { testGpu } from "../support/gpu";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";

/** The same adapter under no name, as browsers hide names, and no fallback. */
function unnamed(real: GPU): GPU {
  const info = (own: GPUAdapterInfo) =>
    new Proxy(own, {
      get: (target, name) =>
        name === "isFallbackAdapter" ? false : typeof target[name as never] === "string" ? "" : target[name as never],
    });
  const gpu = {
    wgslLanguageFeatures: real.wgslLanguageFeatures,
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await real.requestAdapter(options);
      return (
        adapter && {
          info: info(adapter.info),
          features: adapter.features,
          limits: adapter.limits,
          requestDevice: (descriptor?: GPUDeviceDescriptor) => adapter.requestDevice(descriptor),
        }
      );
    },
  };
  return gpu as unknown as GPU;
}

test("steps have a time, chunks are long, and the variants for GPUs give the reference's logits", async () => {
  const { file, graph, config, tokens, logits } = await openParityFixture("nano/qwen3-nano-F32");
  const options = { precision: "exact", kv: "f32", activations: "f32", kvTokens: 256, context: 256, slots: 1 } as const;
  const input = { graph, file, vocab: config.vocab, options };
  const software = await createWebgpuBackend(input, await testGpu(), { selfTest: false });
  expect(software.limits.stepMs).toBeUndefined();
  software.dispose();
  const backend = await createWebgpuBackend(input, unnamed(await testGpu()), { selfTest: false });
  expect(backend.limits).toMatchObject({ rows: 256, stepMs: 100 });
  const got = await logitsOf(backend, tokens, backend.limits.rows);
  const { nmse } = compareLogits(got, logits, config.vocab);
  console.info(`as hardware: nmse ${nmse.toExponential(2)}, bound 1e-9`);
  expect(nmse).toBeLessThan(1e-9);
  backend.dispose();
});
