// Running every pipeline once before the first step, as hardware adapters do it: it leaves nothing behind that a step
// could see.

import { expect, test } from "vitest";
import { logitsOf, openParityFixture } from "../support/parity";
import { webgpuBackend } from "../support/webgpu";

test.each(["nano/gemma3-nano-F16", "nano/qwen3-nano-F32"])("%s: the same logits, bit for bit", async (model) => {
  const fixture = await openParityFixture(model);
  const logits: Float32Array[] = [];
  const pipelines: number[] = [];
  for (const warmUp of [false, true]) {
    const backend = await webgpuBackend(fixture, { warmUp });
    expect(backend.counters).toMatchObject({ submits: 0, dispatches: 0 });
    logits.push(await logitsOf(backend, fixture.tokens.slice(0, 40), 8));
    pipelines.push(backend.counters.pipelines);
    backend.dispose();
  }
  expect(logits[1]).toEqual(logits[0]);
  expect(pipelines[1]).toBe(pipelines[0]);
});
