// The arithmetic around the benchmark: floors, medians, sizes that fit, tops that agree.

import { describe, expect, test } from "vitest";
import { sameTop } from "../../../bench/correctness";
import { type DeviceCosts, perDispatch } from "../../../bench/floor";
import { decodeBytes, decodeFloor, prefillFloor } from "../../../bench/floor_model";
import { togetherPerSecond } from "../../../bench/measure";
import { modelCosts } from "../../../bench/model_costs";
import { type Row, rowTable, testName } from "../../../bench/report";
import { clamp } from "../../../bench/run";
import { median, percentile } from "../../../bench/statistics";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import { readFixture } from "../../support/files";

const device: DeviceCosts = {
  adapter: "made up",
  software: false,
  features: [],
  copyBytesPerSecond: 100e9,
  readBytesPerSecond: 80e9,
  flopsPerSecond: 1e12,
  boundarySeconds: 5e-6,
  boundaryClock: "gpu",
  encodeSeconds: 1e-6,
  submitSeconds: 1e-5,
  readbackSeconds: 1e-4,
};

const nano = async (name: string) =>
  modelCosts(await openWeights(memorySource(await readFixture(`nano/${name}`), name)));

describe("a model's costs", () => {
  test("of a llama: weights by hand", async () => {
    const costs = await nano("llama-nano-F32.gguf");
    const file = await openWeights(memorySource(await readFixture("nano/llama-nano-F32.gguf"), "nano"));
    const { shape: embed = [] } = file.tensors.get("token_embd.weight")!;
    const untied = file.tensors.has("output.weight");
    // All tensors are F32: every one is read, but an embedding that is only looked up in.
    const all = [...file.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(costs.weightBytes).toBe(all - (untied ? 4 * embed[0]! * embed[1]! : 0));
    expect(costs.headWeights).toBe(embed[0]! * embed[1]!);
    expect(4 * costs.parameters).toBe(all);
  });

  test("a window bounds what a token reads", async () => {
    const windowed = await nano("gemma3-nano-F16.gguf");
    const plain = await nano("qwen3-nano-F32.gguf");
    expect(plain.kvElements(2000)).toBe(2 * plain.kvElements(1000));
    expect(windowed.kvElements(2000)).toBeGreaterThan(windowed.kvElements(1000));
    expect(windowed.kvElements(2000)).toBeLessThan(2 * windowed.kvElements(1000));
    expect(plain.attentionFlops(0, 3)).toBe((plain.attentionFlops(0, 1) * (1 + 2 + 3)) / 1);
  });
});

describe("floors", () => {
  test("decoding: bytes at the better bandwidth, dispatches at the boundary", async () => {
    const costs = await nano("llama-nano-F32.gguf");
    const step = { context: 100, kvElementBytes: 2, batch: 1, dispatches: 50 };
    const bytes = costs.weightBytes + 2 * costs.kvElements(100);
    expect(decodeBytes(costs, step)).toBe(bytes);
    expect(decodeFloor(device, costs, step)).toBeCloseTo(bytes / 100e9 + 50 * 5e-6, 12);
    // Weights are read once for all sequences, keys and values once for each.
    const four = decodeBytes(costs, { ...step, batch: 4 });
    expect(four - costs.weightBytes).toBe(4 * (bytes - costs.weightBytes));
  });

  test("prompts: arithmetic or bytes, whichever is more", async () => {
    const costs = await nano("llama-nano-F32.gguf");
    const prompt = { tokens: 64, depth: 0, dispatches: 30, steps: 1 };
    const slowMath = prefillFloor({ ...device, flopsPerSecond: 1e6 }, costs, prompt);
    const flops = 2 * costs.bodyWeights * 64 + 2 * costs.headWeights + costs.attentionFlops(0, 64);
    expect(slowMath).toBeCloseTo(flops / 1e6 + 30 * 5e-6, 6);
    const slowMemory = { ...device, copyBytesPerSecond: 1e3, readBytesPerSecond: 1e3 };
    expect(prefillFloor(slowMemory, costs, prompt)).toBeCloseTo(costs.weightBytes / 1e3 + 30 * 5e-6, 3);
  });
});

test("seconds of a dispatch: without what a submit costs, and never nonsense when the machine was busy", () => {
  expect(perDispatch(0.105, 0.015, 10)).toBeCloseTo(0.01); // 10 times 10 ms, and 5 ms a submit
  expect(perDispatch(0.1, 0.2, 10)).toBeCloseTo(0.01); // the single one was interrupted
});

test("median and percentile", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  expect([percentile([5, 1, 4, 2, 3], 0.5), percentile([5, 1, 4, 2, 3], 0.95)]).toEqual([3, 5]);
});

test("several replies: only the time in which all of them run counts", () => {
  // The second begins at 10 and ends at 40; the first runs from 0 to 50, five tokens before and within.
  expect(
    togetherPerSecond([
      [0, 10, 20, 30, 40, 50],
      [10, 20, 30, 40],
    ]),
  ).toBeCloseTo((1000 * 6) / 30);
});

test("sizes that fit the context, each change told", () => {
  const notes: string[] = [];
  const asked = { prompt: 512, gen: 128, depths: [0, 4096], batches: [1], repeat: 3 };
  expect(clamp(asked, 8192, (line) => notes.push(line))).toEqual(asked);
  expect(notes).toEqual([]);
  expect(clamp(asked, 1024, (line) => notes.push(line))).toMatchObject({ depths: [0, 1021], prompt: 1, gen: 1 });
  expect(notes).toHaveLength(3);
});

test("a top within a hundredth of the deviation is a tie, beyond it is wrong", () => {
  const want = Float32Array.from({ length: 100 }, (_, i) => i); // deviation about 29
  const top = (at: number, value: number) => want.map((old, i) => (i === at ? value : old));
  expect(sameTop(want, want)).toBe(true);
  expect(sameTop(top(98, 200), want)).toBe(false);
  expect(sameTop(top(98, 200), top(98, 98.9))).toBe(true);
});

test("rows of a software adapter say so, and of one without costs have no percent", () => {
  const row: Row = {
    model: "m",
    file_bytes: 1e6,
    parameters: 1e6,
    backend: "webgpu",
    adapter: "a",
    software: true,
    precision: "fast",
    kv: "f16",
    activations: "f32",
    test: testName("reply", 128, 4096, 4),
    depth: 4096,
    batch: 4,
    tok_s: 10,
    samples: [10],
    bytes: 1e6,
    gb_s: 1,
    per_token: { dispatches: 30, submits: 1, passes: 1, bind_groups: 0, buffers: 0, writes: 0, bytes_read: 8 },
    floor_seconds: 0.01,
    percent_of_floor: 10,
    memory: { weights: 1e6, kv: 0, other: 0, process: 1e8 },
    logits_hash: "0",
    top1: { agreeing: 8, positions: 8, against: "reference (f64)" },
  };
  expect(rowTable([row])).toContain("10 (software)");
  expect(rowTable([row])).toContain("tg128 x4 @ d4096");
  const other = rowTable([{ ...row, software: false, percent_of_floor: null, test: testName("prompt", 512, 0, 1) }]);
  expect(other).not.toContain("software");
  expect(other).toMatch(/\| pp512 .* \| - +\|/);
});
