// Choosing among variants, with times that are made up and a clock that they move.

import { describe, expect, test } from "vitest";
import { type Contest, chooseVariants, type TuneOptions } from "../../../src/backends/webgpu/tune";

const contest = (key: string, candidates: readonly string[], weight = 1): Contest => ({ key, candidates, weight });

interface Faked {
  /** Milliseconds per dispatch, by `key variant`; Infinity for one that cannot run. */
  readonly times: Readonly<Record<string, number>>;
  readonly budgetMs?: number;
  /** Steps of the clock that measures, ms. */
  readonly step?: number;
}

/** Runs the contests. @returns The choices, and what was measured: [key, variant, dispatches]. */
async function run(contests: readonly Contest[], { times, budgetMs = 300, step = 0 }: Faked) {
  let clock = 1000;
  const measured: [key: string, variant: string, dispatches: number][] = [];
  const options: TuneOptions = { leastMs: 2, budgetMs, now: () => clock };
  const choices = await chooseVariants(
    contests,
    async ({ key }, variant, dispatches) => {
      measured.push([key, variant, dispatches]);
      const ms = times[`${key} ${variant}`]! * dispatches;
      if (ms !== Number.POSITIVE_INFINITY) clock += ms;
      return step === 0 ? ms : step * Math.floor(ms / step);
    },
    options,
  );
  return { choices, measured, took: clock - 1000 };
}

const abc = [contest("k", ["a", "b", "c"])];

describe("the fastest is chosen", () => {
  test("whatever the order of the candidates", async () => {
    for (const fastest of ["a", "b", "c"]) {
      const times = { "k a": 0.02, "k b": 0.02, "k c": 0.02, [`k ${fastest}`]: 0.015 };
      const { choices } = await run(abc, { times });
      expect(choices.get("k")!.order[0]).toBe(fastest);
      expect(choices.get("k")!.milliseconds[fastest]).toBeCloseTo(0.015);
    }
  });

  test("the others follow by their times", async () => {
    const { choices } = await run(abc, { times: { "k a": 0.05, "k b": 0.011, "k c": 0.01 } });
    expect(choices.get("k")!.order).toEqual(["c", "b", "a"]);
  });

  test("the default stays where another is faster by less than three percent", async () => {
    const { choices } = await run(abc, { times: { "k a": 0.0102, "k b": 0.01, "k c": 0.0101 } });
    expect(choices.get("k")!.order).toEqual(["a", "b", "c"]);
  });

  test("in spite of a clock in steps of 65.5 microseconds", async () => {
    const { choices } = await run(abc, { times: { "k a": 0.0101, "k b": 0.009, "k c": 0.0098 }, step: 0.0655 });
    expect(choices.get("k")!.order[0]).toBe("b");
  });

  test("a variant that cannot run comes last, also when it is the default", async () => {
    const { choices } = await run(abc, { times: { "k a": Number.POSITIVE_INFINITY, "k b": 0.02, "k c": 0.01 } });
    expect(choices.get("k")!.order).toEqual(["c", "b", "a"]);
  });
});

describe("measuring is short", () => {
  test("runs take about the least time, however long a dispatch takes", async () => {
    for (const ms of [0.001, 0.03, 0.5, 40]) {
      const { measured } = await run([contest("k", ["a", "b"])], { times: { "k a": ms, "k b": ms }, budgetMs: 1e6 });
      const longest = Math.max(...measured.map(([, , dispatches]) => dispatches * ms));
      expect(longest).toBeLessThanOrEqual(Math.max(2 * 2, ms));
      expect(longest).toBeGreaterThanOrEqual(Math.min(2, ms * 4096));
    }
  });

  test("a hopeless variant runs a short time only", async () => {
    const { measured } = await run(abc, { times: { "k a": 0.01, "k b": 0.2, "k c": 0.01 } });
    const most = (variant: string) => Math.max(...measured.filter(([, v]) => v === variant).map(([, , n]) => n));
    expect(most("b")).toBeLessThan(most("a") / 4);
  });

  test("the budget ends it, and what was not decided has no choice", async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
    const times = Object.fromEntries(keys.flatMap((key) => ["a", "b"].map((v) => [`${key} ${v}`, 0.01] as const)));
    const contests = keys.map((key, i) => contest(key, ["a", "b"], i));
    const { choices, took } = await run(contests, { times, budgetMs: 100 });
    expect(took).toBeLessThan(100 + 3);
    expect(choices.size).toBeGreaterThan(3);
    expect(choices.size).toBeLessThan(50);
    // The heaviest were first.
    expect([...choices.keys()]).toEqual(keys.reverse().slice(0, choices.size));
  });

  test("a contest that takes more than the budget by itself keeps the default, and is not tried again", async () => {
    const { choices } = await run([contest("k", ["a", "b"])], { times: { "k a": 200, "k b": 100 } });
    expect([...choices]).toEqual([["k", { order: ["a", "b"], milliseconds: {} }]]);
  });

  test("a clock that stands still keeps the default", async () => {
    const { choices } = await run([contest("k", ["a", "b"])], { times: { "k a": 0, "k b": 0 } });
    expect(choices.get("k")!.order).toEqual(["a", "b"]);
  });
});
