// How many decode steps are in flight, on a made-up device with a clock of its own: steps take their time one after the
// other, and each result takes its time to come back. Counted are steps and the times that the device had to wait.

import { describe, expect, test } from "vitest";
import { GREEDY } from "../../../kernels/sample/settings";
import { DepthControl } from "../../../src/engine/depth";
import { Scheduler } from "../../../src/engine/scheduler";
import { FakeBackend } from "../../support/fake_backend";

/** Milliseconds, at a token. */
interface Pace {
  readonly step: number;
  readonly back: number;
}

interface Seen {
  /** Steps in flight after each token. */
  readonly depths: number[];
  /** Tokens whose step the device had to wait for. */
  readonly waited: number[];
}

/** Lets a reply of `tokens` tokens run on the device. @param pace Of the step that makes a token. */
function simulate(control: DepthControl, tokens: number, pace: (token: number) => Pace): Seen {
  const flights: { readonly submitted: number; readonly visible: number }[] = [];
  const seen: Seen = { depths: [], waited: [] };
  let now = 0;
  let free = 0;
  let submitted = 0;
  for (let received = 0; received < tokens; received++) {
    while (flights.length < control.depth(received) && submitted < tokens) {
      const { step, back } = pace(submitted);
      if (submitted > 0 && now > free + 1e-9) seen.waited.push(submitted);
      free = Math.max(free, now) + step;
      flights.push({ submitted: now, visible: free + back });
      submitted += 1;
    }
    seen.depths.push(flights.length);
    const flight = flights.shift()!;
    now = Math.max(now, flight.visible);
    control.arrived(1, flight.submitted, now);
  }
  return seen;
}

/** Repeatable noise in [1 - share, 1 + share]. */
function noise(token: number, share: number): number {
  const draw = Math.abs(Math.sin(token * 12.9898) * 43758.5453) % 1;
  return 1 + share * (2 * draw - 1);
}

const late = (seen: Seen, from: number) => seen.waited.filter((token) => token >= from);

describe("the depth follows step and readback", () => {
  test.each([
    ["a native program: results are there at once", { step: 5, back: 0.1 }, 2],
    ["a browser and a small model", { step: 1, back: 2.7 }, 4],
    ["a way back as long as a step", { step: 3, back: 3 }, 2],
    ["a way back of several steps", { step: 10, back: 35 }, 5],
    ["a phone: steps of 200 ms", { step: 200, back: 3 }, 2],
  ])("%s", (_, pace, depth) => {
    const seen = simulate(new DepthControl(12), 200, () => pace);
    expect(Math.max(...seen.depths.slice(64, -12))).toBeLessThanOrEqual(depth + 1);
    expect(Math.min(...seen.depths.slice(64, -12))).toBeGreaterThanOrEqual(depth - 1);
  });

  test("in steady state the device hardly ever waits", () => {
    const seen = simulate(new DepthControl(12), 2000, () => ({ step: 2, back: 9 }));
    // Now and then one step less is tried: the device then waits once in a burst.
    expect(late(seen, 64).length).toBeLessThan(2000 / 50);
  });

  test("a way back that is polled every 100 ms gets all that there is", () => {
    const seen = simulate(new DepthControl(12), 200, () => ({ step: 5, back: 100 }));
    expect(seen.depths[150]).toBe(12);
  });

  test("it never exceeds what it was given, not even for results that come all at once", () => {
    const seen = simulate(new DepthControl(3), 100, () => ({ step: 0, back: 20 }));
    expect(Math.max(...seen.depths)).toBe(3);
    expect(simulate(new DepthControl(1), 10, () => ({ step: 1, back: 1 })).depths).toEqual(Array(10).fill(1));
  });

  test("the first tokens have few steps behind them, whatever was found before", () => {
    const control = new DepthControl(12);
    simulate(control, 200, () => ({ step: 1, back: 20 }));
    expect([0, 1, 2, 4, 10].map((youngest) => control.depth(youngest))).toEqual([2, 2, 3, 4, 7]);
    expect(control.depth(40)).toBeGreaterThanOrEqual(11);
  });

  test("it grows when the way back becomes longer, and shrinks when it becomes shorter", () => {
    const seen = simulate(new DepthControl(12), 1200, (token) => ({
      step: 4,
      back: token < 200 || token > 600 ? 1 : 22,
    }));
    expect(seen.depths[190]).toBe(2);
    expect(seen.depths[300]).toBeGreaterThanOrEqual(7);
    expect(seen.depths[1180]).toBeLessThanOrEqual(4);
  });

  test.each([0.1, 0.3])("noise of %d in both times makes it neither wait nor run away", (share) => {
    const seen = simulate(new DepthControl(12), 2000, (token) => ({
      step: 5 * noise(token, share),
      back: 8 * noise(token + 0.5, share),
    }));
    const depths = seen.depths.slice(100, -12);
    expect(depths.reduce((sum, depth) => sum + depth) / depths.length).toBeLessThan(5);
    expect(late(seen, 100).length).toBeLessThan(2000 / 10);
  });

  test("steps of another number of rows, and pauses, are not compared", () => {
    const control = new DepthControl(12);
    simulate(control, 100, () => ({ step: 5, back: 0.1 }));
    // A pause of a second before each step would look like bursts of one.
    for (let i = 0; i < 40; i++) {
      if (i % 4 === 0) control.interrupted();
      control.arrived(1 + (i % 2), 1000 * i, 1000 * i + 900);
    }
    expect(control.depth(100)).toBe(2);
  });
});

describe("in the loop", () => {
  /** A scheduler on a fake backend whose results come as the device makes them. */
  async function reply(maxTokens: number, pace: Pace, stopAt?: number) {
    const clock = { now: 0 };
    let free = 0;
    const visible: number[] = [];
    const arrivals: (() => void)[] = [];
    const backend = new FakeBackend({
      limits: { context: 500 },
      pages: [200],
      onStep() {
        free = Math.max(free, clock.now) + pace.step;
        visible.push(free + pace.back);
      },
      delay: () => new Promise<void>((resolve) => arrivals.push(resolve)),
    });
    const scheduler = new Scheduler(backend, { now: () => clock.now });
    const prompt = [1, 2, 3];
    const depths: number[] = [];
    let done = false;
    let received = 0;
    scheduler.start({
      prompt,
      maxTokens,
      sampler: GREEDY,
      onToken: () => received++ === stopAt,
      onEnd: () => (done = true),
    });
    for (let arrival = 0; !done; ) {
      // Until the loop has submitted what it wants and waits for a result.
      let before = -1;
      while (arrivals.length === 0 || before !== backend.steps.length) {
        before = backend.steps.length;
        await new Promise((resolve) => setTimeout(resolve));
        await new Promise((resolve) => setTimeout(resolve));
      }
      depths.push(backend.steps.length - arrival);
      clock.now = Math.max(clock.now, visible[arrival++]!);
      arrivals.shift()!();
      const last = received;
      for (let i = 0; i < 50 && received === last; i++) await new Promise((resolve) => setTimeout(resolve));
    }
    return { depths, steps: backend.steps.length };
  }

  test("few steps are ahead of the first tokens, more later, and none after the last", async () => {
    const { depths, steps } = await reply(60, { step: 10, back: 35 });
    expect(depths.slice(0, 2)).toEqual([2, 2]);
    expect(Math.max(...depths)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...depths)).toBeLessThanOrEqual(6);
    expect(depths.slice(-3)).toEqual([3, 2, 1]);
    expect(steps).toBe(60);
  });

  test("where results are there at once, two are enough, and a stop wastes two", async () => {
    const { depths, steps } = await reply(200, { step: 10, back: 0 }, 40);
    expect(Math.max(...depths)).toBe(2);
    expect(steps).toBeLessThanOrEqual(41 + 2);
  });
});
