// One model through every family of kernel variants, on a device with default limits, and with f16 keys and values.

import { expect, test } from "vitest";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { pipelinesOf } from "../support/pipelines";
import { type WebgpuTestOptions, webgpuBackend } from "../support/webgpu";

/** Keys and values rounded to f16; the reference's own noise with an f16 cache is 5e-9 to 5e-7. */
const FAST_BOUND = 1e-5;

/** Rows of a step: a chunk of prefill. */
const CHUNK = 24;

interface Options extends WebgpuTestOptions {
  /** Rows of a step where not {@link CHUNK}; 1 runs the plan for decoding. */
  readonly chunk?: number;
}
const ways: readonly [name: string, model: string, options: Options, bound?: number][] = [
  ["subgroup variants", "qwen3-nano-F32", { preferVariant: "subgroup" }],
  ["workgroup variants, windows", "gemma3-nano-F16", { preferVariant: "workgroup" }],
  ["decoding with x in workgroup memory", "gemma3-nano-F16", { preferVariant: "subgroup_staged", chunk: 1 }],
  ["tiled prefill", "llama-nano-F32", { preferVariant: "tile" }],
  ["default limits, no features", "qwen2-nano-F16", { defaultLimits: true }],
  ["f16 keys and values, packed", "qwen3-nano-F32", { kv: "f16", without: ["f16"] }, FAST_BOUND],
  ["f16 keys and values, native", "gemma3-nano-F16", { kv: "f16", preferVariant: "workgroup_f16" }, FAST_BOUND],
];

test.each(ways)("%s: %s", async (name, model, { chunk = CHUNK, ...options }, bound) => {
  const fixture = await openParityFixture(`nano/${model}`);
  const { result: backend, labels } = await pipelinesOf(() =>
    webgpuBackend(fixture, { context: 128, slots: 1, ...options }),
  );
  if (options.preferVariant) expect(labels.join()).toContain(`/${options.preferVariant}/`);
  const rows = 48;
  const got = await logitsOf(backend, fixture.tokens.slice(0, rows), chunk);
  const { vocab } = fixture.description;
  const { nmse } = compareLogits(got, fixture.logits.subarray(0, rows * vocab), vocab);
  const limit = bound ?? fixture.description.bound;
  console.info(`${model}, ${name}: nmse ${nmse.toExponential(2)}, bound ${limit}`);
  expect(nmse).toBeLessThan(limit);
  backend.dispose();
});
