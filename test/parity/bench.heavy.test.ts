// The benchmark's own measurements on a real device: its costs, and a profile that misses no dispatch.

import { expect, test } from "vitest";
import { measureDevice } from "../../bench/floor";
import { profiledGpu } from "../../bench/profile";
import { load } from "../../src/load";
import { ggufBytes } from "../support/gguf_writer";
import { testGpu } from "../support/gpu";
import { randomModel } from "../support/random_model";

test("a device's costs are measured, and a software adapter is called one", async () => {
  const costs = await measureDevice(await testGpu());
  for (const name of [
    "copyBytesPerSecond",
    "readBytesPerSecond",
    "flopsPerSecond",
    "boundarySeconds",
    "encodeSeconds",
    "submitSeconds",
    "readbackSeconds",
  ] as const) {
    expect(costs[name], name).toBeGreaterThan(0);
    expect(costs[name], name).toBeLessThan(1e15);
  }
  expect(costs.software).toBe(true);
});

test("a profile has every dispatch of the engine under its kernel's name, and leaves the tokens as they are", async () => {
  const gpu = await testGpu();
  const bytes = ggufBytes(randomModel());
  const options = { maxTokens: 8, temperature: 0, ignoreStopTokens: true };
  const plain = await load(bytes, { gpu, backend: "webgpu" });
  const want = await plain.generate([1, 2, 3], options).result;
  plain.dispose();

  const profiled = profiledGpu(gpu);
  const engine = await load(bytes, { gpu: profiled.gpu, backend: "webgpu" });
  profiled.reset();
  const before = engine.backend.counters.dispatches;
  const got = await engine.generate([1, 2, 3], options).result;
  const dispatches = engine.backend.counters.dispatches - before;
  const times = await profiled.times();
  engine.dispose();

  expect(got.tokens).toEqual(want.tokens);
  expect(times.reduce((sum, one) => sum + one.dispatches, 0)).toBe(dispatches);
  expect(times.every(({ seconds }) => seconds >= 0)).toBe(true);
  expect(times.some(({ kernel }) => kernel.startsWith("linear_f32"))).toBe(true);
  expect(times.map(({ seconds }) => seconds)).toEqual(times.map(({ seconds }) => seconds).sort((a, b) => b - a));
});
