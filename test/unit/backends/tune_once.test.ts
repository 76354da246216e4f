// When a load measures, what it takes from earlier loads, and what it never chooses. What measuring would find is given.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type DeviceTraits, defineKernel, type Kernel, ROW_BUCKETS, type Variant } from "../../../kernels/kernel";
import { linear } from "../../../kernels/linear/linear";
import { formatOf } from "../../../kernels/quant/index";
import { newCounters } from "../../../src/backends/counters";
import { Pipelines } from "../../../src/backends/webgpu/pipelines";
import type { Choice } from "../../../src/backends/webgpu/tune";
import { contestsOf, type KernelContest, type TuneWork } from "../../../src/backends/webgpu/tune_contests";
import { DEFAULTS, defaultOrder } from "../../../src/backends/webgpu/tune_defaults";
import { prepareTuning, type Tune } from "../../../src/backends/webgpu/tune_once";
import { readVerdict, updateVerdict } from "../../../src/backends/webgpu/verdicts";
import { setDeviceStore } from "../../../src/files/device_store";
import type { PlannedDispatch } from "../../../src/plan/plan";
import { memoryStore } from "../../support/memory_store";

const measured = vi.hoisted(() => ({
  contests: [] as KernelContest[],
  orderOf: (candidates: readonly string[]): readonly string[] => candidates,
}));
vi.mock("../../../src/backends/webgpu/tune_device", () => ({
  async measureContests(_: unknown, __: unknown, contests: readonly KernelContest[]) {
    measured.contests.push(...contests);
    const choice = ({ candidates }: KernelContest): Choice => ({
      order: measured.orderOf(candidates),
      milliseconds: { [candidates[0]!]: 1 },
    });
    return new Map(contests.map((contest) => [contest.key, choice(contest)]));
  },
}));

const gpuTraits: DeviceTraits = {
  f16: true,
  subgroups: true,
  subgroupMin: 32,
  subgroupMax: 32,
  packedDot: false,
  matrixF16: undefined,
  matrixF32: undefined,
  maxInvocations: 1024,
  maxWorkgroupBytes: 32_768,
  software: false,
};
const verdicts = { adapter: "test", runtime: "test", engine: "test" };
const work = {} as TuneWork;

const variant = (name: string, more: Partial<Variant> = {}): Variant => ({
  name,
  suits: () => true,
  runs: () => true,
  parts: [],
  grid: () => [1, 1, 1],
  ...more,
});
const kernelOf = (name: string, variants: readonly Variant[]): Kernel =>
  defineKernel({ name, bindings: {}, params: { cols: "u32", gain_at: "u32" }, variants });

const matmul = kernelOf("matmul", [
  variant("long", { rows: [1, 16] }),
  variant("short", { rows: [1, 16] }),
  variant("one_row", { rows: [1, 1] }),
  variant("elsewhere", { rows: [1, 16], runs: () => false, suits: () => false }),
  variant("half", { rows: [1, 16], suits: () => false, enable: ["f16"] }),
  variant("tile", { rows: [17, Number.POSITIVE_INFINITY] }),
  variant("tile_matrix", {
    rows: [17, Number.POSITIVE_INFINITY],
    suits: () => false,
    enable: ["subgroups", "chromium_experimental_subgroup_matrix"],
  }),
  variant("tile_wide", { rows: [17, Number.POSITIVE_INFINITY], suits: () => false }),
  variant("invocation"),
]);
const alone = kernelOf("alone", [variant("only")]);

const dispatch = (kernel: Kernel, cols: number, gain: number): PlannedDispatch => ({
  kernel,
  params: { cols, gain_at: gain },
  buffers: {},
  rows: "tokens",
});
const dispatches = [dispatch(matmul, 64, 0), dispatch(alone, 1, 0), dispatch(matmul, 64, 9), dispatch(matmul, 32, 0)];
const plan = { matrices: [], decode: dispatches, prefill: dispatches };

beforeEach(() => {
  const store = memoryStore();
  setDeviceStore(async () => store);
  measured.contests.length = 0;
  measured.orderOf = (candidates) => [...candidates].reverse();
});
afterEach(() => vi.unstubAllEnvs());

interface Load {
  readonly tune?: Tune;
  readonly software?: boolean;
  readonly refused?: readonly string[];
  readonly vendor?: string;
}

/** One load. @returns What it measured, and the variants that it then uses, by rows. */
async function loadOnce({ tune = "auto", software = false, refused = [], vendor = "" }: Load = {}) {
  measured.contests.length = 0;
  const traits = { ...gpuTraits, software };
  const pipelines = new Pipelines({} as GPUDevice, traits, newCounters());
  for (const name of refused) pipelines.refuse(matmul, matmul.variants.find((one) => one.name === name)!);
  const gpu = { device: {} as GPUDevice, traits, vendor, verdicts };
  const tuning = await prepareTuning(gpu, pipelines, plan, 256, tune);
  await tuning.run(work);
  const used = (rows: number) => pipelines.candidates(matmul, rows)[0]!.name;
  return {
    measured: measured.contests.map(({ kernel, phase, candidates }) => `${kernel.name} ${phase}: ${candidates}`),
    decode: used(1),
    prefill: used(512),
    used,
  };
}

describe("what takes part", () => {
  test("variants that run here, that compute in the same precision, and for decoding serve all of its buckets", async () => {
    const { measured } = await loadOnce();
    expect(measured).toEqual(["matmul decode: long,short", "matmul prefill: tile,tile_wide"]);
  });

  test("not one that was refused; and no contest where one is left", async () => {
    expect((await loadOnce({ refused: ["short"] })).measured).toEqual(["matmul prefill: tile,tile_wide"]);
  });

  test("not what a GPU is many times slower with, unless it is a software adapter", async () => {
    expect((await loadOnce({ tune: "force", software: true })).measured[0]).toBe(
      "matmul decode: long,short,invocation",
    );
  });

  test.each([
    [true, ["subgroup", "workgroup", "subgroup_2", "subgroup_staged"]],
    [false, ["workgroup", "workgroup_128", "workgroup_staged"]],
  ])("for decoding few of a linear's, as each costs compiling (subgroups: %s)", (subgroups, candidates) => {
    const pipelines = new Pipelines({} as GPUDevice, { ...gpuTraits, subgroups }, newCounters());
    const decode = [{ ...dispatches[0]!, kernel: linear([formatOf("Q4_0")], { norm: true }) }];
    const [contest] = contestsOf("", pipelines, { matrices: [], decode, prefill: [] }, 256);
    expect(contest!.candidates).toEqual(candidates);
  });

  test("for prompts of a linear that may round x, the exact tile too", () => {
    const kernel = linear([formatOf("Q4_0")], { norm: true, int8: true });
    const prefill = [{ ...dispatches[0]!, kernel }];
    const contests = (packedDot: boolean) => {
      const pipelines = new Pipelines({} as GPUDevice, { ...gpuTraits, packedDot }, newCounters());
      return contestsOf("", pipelines, { matrices: [], decode: [], prefill }, 256);
    };
    expect(contests(true).map(({ candidates }) => candidates)).toEqual([["tile_int8", "tile"]]);
    expect(contests(false)).toEqual([]);
  });

  test("each dispatch of the kernel, one of each shape first", async () => {
    await loadOnce();
    const [decode] = measured.contests;
    expect(decode!.dispatches).toEqual([0, 3, 2]);
    // Where a matrix lies is no matter of speed.
    expect(decode!.key.split("cols=").length - 1).toBe(2);
  });
});

describe("what was chosen", () => {
  test("is used for all decode buckets, so that a row has the same bits alone and in a batch", async () => {
    const { used, prefill } = await loadOnce();
    expect(ROW_BUCKETS.map(used)).toEqual(ROW_BUCKETS.map(() => "short"));
    expect(prefill).toBe("tile_wide");
  });

  test("is taken by the next load, which measures nothing", async () => {
    await loadOnce();
    const next = await loadOnce();
    expect(next).toMatchObject({ measured: [], decode: "short", prefill: "tile_wide" });
  });

  test("is measured again with force, by option or by FENNEC_TUNE", async () => {
    await loadOnce();
    measured.orderOf = (candidates) => candidates;
    expect(await loadOnce({ tune: "force" })).toMatchObject({ measured: { length: 2 }, decode: "long" });
    measured.orderOf = (candidates) => [...candidates].reverse();
    vi.stubEnv("FENNEC_TUNE", "force");
    expect(await loadOnce()).toMatchObject({ measured: { length: 2 }, decode: "short" });
    vi.stubEnv("FENNEC_TUNE", "");
    expect(await loadOnce()).toMatchObject({ measured: [], decode: "short" });
  });

  test("is not used, and nothing is measured, with off and on software adapters", async () => {
    await loadOnce();
    for (const load of [{ tune: "off" }, { software: true }] as const)
      expect(await loadOnce(load)).toMatchObject({ measured: [], decode: "long" });
    vi.stubEnv("FENNEC_TUNE", "off");
    expect(await loadOnce({ tune: "force" })).toMatchObject({ measured: [], decode: "long" });
  });

  test("is kept, and nothing is measured, where a lost backend is replaced", async () => {
    expect(await loadOnce({ tune: "keep" })).toMatchObject({ measured: [], decode: "long" });
    await loadOnce({ tune: "force", software: true });
    vi.stubEnv("FENNEC_TUNE", "force");
    expect(await loadOnce({ tune: "keep", software: true })).toMatchObject({ measured: [], decode: "invocation" });
  });

  test("is not used where a variant of it was refused since", async () => {
    await loadOnce();
    expect(await loadOnce({ refused: ["short"] })).toMatchObject({ measured: [], decode: "long" });
  });

  test("gives way to the next in its order when it is refused afterwards", async () => {
    const pipelines = new Pipelines({} as GPUDevice, gpuTraits, newCounters());
    pipelines.prefer(matmul, "decode", ["short", "long"]);
    pipelines.refuse(matmul, matmul.variants.find(({ name }) => name === "short")!);
    expect(ROW_BUCKETS.map((rows) => pipelines.candidates(matmul, rows)[0]!.name)).toEqual(
      ROW_BUCKETS.map(() => "long"),
    );
  });

  test("counts for nothing when the record is damaged", async () => {
    await loadOnce();
    const { tuning } = await readVerdict(verdicts);
    const damaged = [null, 3, {}, { order: "short" }, { order: ["short"] }, { order: ["short", "tile"] }];
    for (const value of damaged) {
      await updateVerdict(verdicts, () => ({
        tuning: Object.fromEntries(Object.keys(tuning!).map((key) => [key, value])),
      }));
      expect(await loadOnce()).toMatchObject({ measured: { length: 2 }, decode: "short" });
    }
  });

  test("keeps what other models' loads found out", async () => {
    await updateVerdict(verdicts, () => ({ selfTest: { passed: ["a"], refused: {} }, tuning: { other: 1 } }));
    await loadOnce();
    const { tuning, selfTest } = await readVerdict(verdicts);
    expect(Object.keys(tuning!)).toHaveLength(3);
    expect(tuning).toMatchObject({ other: 1 });
    expect(selfTest!.passed).toEqual(["a"]);
  });
});

test("FENNEC_TUNE of another word is refused by name", async () => {
  vi.stubEnv("FENNEC_TUNE", "yes");
  await expect(loadOnce()).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining("FENNEC_TUNE"),
  });
});

describe("defaults", () => {
  test.each(DEFAULTS)("$vendor, $kernel, $phase: named variants first, in order, where they exist", (line) => {
    const vendor = /\w+/.exec(line.vendor.source)![0];
    const kernel = `${/\w+/.exec(line.kernel.source)![0]}q4_0`;
    const others = ["x", ...line.variants.toReversed()];
    expect(defaultOrder(vendor, kernel, line.phase, others)).toEqual([...line.variants, "x"]);
    expect(defaultOrder(vendor, kernel, line.phase, ["x", "y"])).toEqual(["x", "y"]);
    expect(defaultOrder("another", kernel, line.phase, others)).toEqual(others);
  });
});
