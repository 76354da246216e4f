// Whole models whose prompts run on subgroup matrices, on a device that has them.

import { expect, test } from "vitest";
import { testDevice } from "../support/gpu";
import { compareLogits, logitsOf, openParityFixture } from "../support/parity";
import { pipelinesOf } from "../support/pipelines";
import { webgpuBackend } from "../support/webgpu";

/** Weights and activations rounded to f16 (2^-12 of each): an f16 tile's own noise is as large. */
const F16_BOUND = 1e-5;
const ROWS = 96;

const MODELS = ["llama-nano-F32", "qwen2-nano-F16", "qwen3-nano-F32", "gemma3-nano-F16"];

const { traits } = await testDevice("full");
const variants = [
  ...(traits.matrixF16 ? [["tile_matrix", F16_BOUND] as const] : []),
  ...(traits.matrixF32 ? [["tile_matrix_f32", undefined] as const] : []),
];

test("the device has subgroup matrices", () => expect(variants).not.toHaveLength(0));

for (const [variant, bound] of variants)
  test.each(MODELS)(`%s, ${variant}`, async (model) => {
    const fixture = await openParityFixture(`nano/${model}`);
    const { result: backend, labels } = await pipelinesOf(() =>
      webgpuBackend(fixture, { context: 128, slots: 1, preferVariant: variant }),
    );
    expect(labels.join()).toContain(`/${variant}/`);
    const got = await logitsOf(backend, fixture.tokens.slice(0, ROWS), ROWS / 2);
    const { vocab } = fixture.description;
    const found = compareLogits(got, fixture.logits.subarray(0, got.length), vocab);
    const limit = bound ?? fixture.description.bound;
    console.info(`${model}, ${variant}: nmse ${found.nmse.toExponential(2)}, bound ${limit}`);
    expect(found.nmse).toBeLessThan(limit);
    backend.dispose();
  });
