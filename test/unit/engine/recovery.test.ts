// A backend that is lost at any moment: another takes its place, and every reply is what it would have been. On fake
// backends, which check every key that a row sees; test/parity/recovery.heavy.test.ts does the same on real ones.

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { GREEDY, type SamplerSettings } from "../../../kernels/sample/settings";
import { LAST_TOKEN, type StepBatch } from "../../../src/backends/backend";
import type { Run } from "../../../src/engine/job";
import { computeLogits } from "../../../src/engine/logits";
import { Scheduler } from "../../../src/engine/scheduler";
import { FennecError } from "../../../src/errors";
import { FakeBackend, type FakeOptions } from "../../support/fake_backend";

const tokens = (count: number, from = 0) => Array.from({ length: count }, (_, i) => (from + i) % 97);
const settle = () => new Promise((resolve) => setTimeout(resolve));
/** However long the loop takes on a busy machine. */
const until = (condition: () => boolean) =>
  vi.waitFor(() => expect(condition()).toBe(true), { interval: 1, timeout: 5000 });
const aborted = () => new FennecError("aborted", "test: aborted");

interface Ask {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly after?: Run;
  readonly sampler?: SamplerSettings;
  readonly onToken?: (count: number) => void;
}

/** @param fakes The first backend and those that take its place, one after the other. */
function setUp(...fakes: readonly FakeOptions[]) {
  const backends = fakes.map((fake) => new FakeBackend(fake));
  const [first, ...rest] = backends;
  const states: string[] = [];
  const losses: FennecError[] = [];
  /** Set to make a replacement wait. */
  const gate: { open: Promise<void> | undefined } = { open: undefined };
  const seen: { signal?: AbortSignal } = {};
  const scheduler = new Scheduler(first!, {
    async replace(lost, signal) {
      losses.push(lost);
      seen.signal = signal;
      await gate.open;
      const next = rest.shift();
      if (!next) throw new FennecError("webgpu-missing", "test: no adapter.");
      return next;
    },
    onChange: (state) => states.push(state),
  });
  function ask({ onToken, sampler = GREEDY, ...job }: Ask) {
    const got: number[] = [];
    const ends: unknown[] = [];
    let run: Run | undefined;
    const reply = new Promise<number[]>((resolve, reject) => {
      run = scheduler.start({
        ...job,
        sampler,
        onToken(token) {
          got.push(token);
          onToken?.(got.length);
          return false;
        },
        onEnd(error) {
          ends.push(error);
          if (error) reject(error);
          else resolve(got);
        },
      });
    });
    reply.catch(() => undefined);
    return { run: run!, reply, got, ends };
  }
  return { scheduler, backends: backends as [FakeBackend, ...FakeBackend[]], ask, states, losses, gate, seen };
}

/** A promise and what resolves it. */
function latch(): { readonly wait: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const wait = new Promise<void>((resolve) => (open = resolve));
  return { wait, open };
}

function expectNothingLeft(scheduler: Scheduler): void {
  expect(scheduler.load).toEqual({ waiting: 0, running: 0 });
  scheduler.cache.index.clear();
  const { pools } = scheduler.cache;
  expect(pools.map((pool) => pool.free)).toEqual(pools.map((pool) => pool.size));
}

describe("replies go on", () => {
  test.each([1, 2, 9, 19])("after a loss at token %d none is lost, repeated or wrong", async (at) => {
    const { scheduler, backends, ask, states, losses } = setUp({}, {});
    const prompt = tokens(9);
    const { reply } = ask({ prompt, maxTokens: 20, onToken: (count) => count === at && backends[0].lose("unplugged") });
    expect(await reply).toEqual(backends[0].expectedReply(prompt, 20));
    expect(losses.map(({ message }) => message)).toEqual(["unplugged"]);
    expect(states).toEqual(["lost", "replaced"]);
    expect(backends[0].disposed).toBe(true);
    expect(scheduler.backend).toBe(backends[1]);
    expectNothingLeft(scheduler);
  });

  test("with a seed, and with what penalties count", async () => {
    const { backends, ask } = setUp({}, {});
    const sampler = { ...GREEDY, temperature: 1, frequencyPenalty: 0.5, seed: 7n };
    const prompt = tokens(9);
    const lose = (count: number) => count === 6 && backends[0].lose("unplugged");
    const reply = await ask({ prompt, maxTokens: 15, sampler, onToken: lose }).reply;
    expect(reply).toEqual(backends[0].expectedReply(prompt, 15, sampler));
    expect(backends[1]!.opened).toMatchObject([{ history: prompt, reply: reply.slice(0, 6), sampler }]);
    // Everything accepted was computed again in one go, then it decoded on.
    expect(backends[1]!.promptRows).toBe(9 + 6);
  });

  test("when the loss comes while a long prompt is computed", async () => {
    const { backends, ask } = setUp({ onStep: (step) => step === 1 && backends[0].lose("unplugged") }, {});
    const prompt = tokens(50);
    expect(await ask({ prompt, maxTokens: 6 }).reply).toEqual(backends[0].expectedReply(prompt, 6));
    expect(backends[0].rows.length).toBeLessThan(50);
    expect(backends[1]!.promptRows).toBe(50);
  });

  test("when the loss comes as a request is admitted", async () => {
    const onOpen = (slot: number) => {
      if (slot === 1) throw new FennecError("device-lost", "unplugged");
    };
    const { scheduler, backends, ask } = setUp({ onOpen }, {});
    const prompts = [tokens(5), tokens(7, 30)];
    const replies = await Promise.all(prompts.map((prompt) => ask({ prompt, maxTokens: 8 }).reply));
    expect(replies).toEqual(prompts.map((prompt) => backends[0].expectedReply(prompt, 8)));
    expectNothingLeft(scheduler);
  });

  test("when a step tells of the loss before the device does, and both are one loss", async () => {
    const { backends, ask, losses } = setUp({}, {});
    const prompt = tokens(5);
    const { reply } = ask({
      prompt,
      maxTokens: 12,
      onToken(count) {
        if (count === 3) backends[0].failNext = new FennecError("device-lost", "no results");
      },
    });
    await settle();
    backends[0].lose("unplugged");
    expect(await reply).toEqual(backends[0].expectedReply(prompt, 12));
    expect(losses).toHaveLength(1);
  });

  test("late results of the lost backend reach nobody", async () => {
    const held: (() => void)[] = [];
    const { backends, ask } = setUp({ delay: () => new Promise<void>((resolve) => held.push(resolve)) }, {});
    const prompt = tokens(5);
    const { reply, got } = ask({ prompt, maxTokens: 12 });
    await until(() => held.length === 1);
    held.shift()!();
    await until(() => got.length === 1);
    backends[0].lose("unplugged");
    await settle();
    for (const release of held) release();
    expect(await reply).toEqual(backends[0].expectedReply(prompt, 12));
  });

  test("with several at once, those that wait for a slot, and those that share a prompt", async () => {
    const { scheduler, backends, ask } = setUp({ limits: { slots: 2 } }, { limits: { slots: 2 } });
    const prompt = tokens(21);
    const lose = (count: number) => count === 4 && backends[0].lose("unplugged");
    const first = ask({ prompt, maxTokens: 9, onToken: lose });
    const twins = [1, 2].map(() => ask({ prompt, maxTokens: 9, after: first.run }));
    const other = ask({ prompt: tokens(6, 40), maxTokens: 12 });
    expect(await other.reply).toEqual(backends[0].expectedReply(tokens(6, 40), 12));
    for (const { reply } of [first, ...twins]) expect(await reply).toEqual(backends[0].expectedReply(prompt, 9));
    // The prompt once, its last token for each of the three, and the other prompt: what was accepted comes on top.
    const accepted = backends[1]!.opened.reduce((sum, { reply = [] }) => sum + reply.length, 0);
    expect(backends[1]!.promptRows).toBeLessThanOrEqual(21 + 2 + 6 + accepted);
    expectNothingLeft(scheduler);
  });

  test("the next turn goes on from what the new backend computed", async () => {
    const { scheduler, backends, ask } = setUp({}, {});
    const first = tokens(9);
    const reply = await ask({ prompt: first, maxTokens: 7 }).reply;
    backends[0].lose("unplugged"); // while nobody asks for anything
    await until(() => scheduler.backend === backends[1]);
    const second = [...first, ...reply, 50];
    const { run, reply: next } = ask({ prompt: second, maxTokens: 5 });
    expect(await next).toEqual(backends[0].expectedReply(second, 5));
    expect(run.stats.cachedTokens).toBe(0); // the index of the lost backend is gone
    const third = [...second, ...(await next), 51];
    const again = ask({ prompt: third, maxTokens: 5 });
    expect(await again.reply).toEqual(backends[0].expectedReply(third, 5));
    expect(again.run.stats.cachedTokens).toBe(second.length + 4);
  });

  test("logits that are being computed are computed again", async () => {
    const { scheduler, backends } = setUp({ onStep: (step) => step === 1 && backends[0].lose("unplugged") }, {});
    const asked = tokens(40);
    const logits = await computeLogits(scheduler, asked);
    expect(logits).toEqual(backends[0].expectedLogits(asked));
    expect(backends[1]!.promptRows).toBe(40);
    expectNothingLeft(scheduler);
  });

  test("logits that wait for a slot get one of the new backend", async () => {
    const { scheduler, backends, ask } = setUp({ limits: { slots: 1 } }, { limits: { slots: 1 } });
    let logits: Promise<Float32Array> | undefined;
    function onToken(count: number) {
      if (count === 2) logits = computeLogits(scheduler, tokens(5));
      if (count === 4) backends[0].lose("unplugged");
    }
    const { reply } = ask({ prompt: tokens(4), maxTokens: 8, onToken });
    expect(await reply).toEqual(backends[0].expectedReply(tokens(4), 8));
    expect(await logits).toEqual(backends[0].expectedLogits(tokens(5)));
    expectNothingLeft(scheduler);
  });

  test("on a backend with fewer slots and pages; only what does not fit its context ends", async () => {
    const small = { limits: { slots: 1, context: 32 }, pages: [8] };
    const { scheduler, backends, ask } = setUp({}, small);
    const lose = (count: number) => count === 4 && backends[0].lose("unplugged");
    const long = ask({ prompt: tokens(40), maxTokens: 9 });
    const fits = ask({ prompt: tokens(10), maxTokens: 9, onToken: lose });
    const shortened = ask({ prompt: tokens(20, 5), maxTokens: 30 });
    expect(await fits.reply).toEqual(backends[0].expectedReply(tokens(10), 9));
    expect(await shortened.reply).toEqual(backends[0].expectedReply(tokens(20, 5), 12));
    await expect(long.reply).rejects.toMatchObject({ code: "context-full" });
    expect(scheduler.context).toBe(32);
    expectNothingLeft(scheduler);
  });
});

describe("while another backend is being made", () => {
  async function lostInTheMiddle() {
    const parts = setUp({}, {});
    const door = latch();
    parts.gate.open = door.wait;
    const prompt = tokens(9);
    const first = parts.ask({
      prompt,
      maxTokens: 20,
      onToken: (count) => count === 5 && parts.backends[0].lose("unplugged"),
    });
    await until(() => parts.losses.length === 1);
    expect(first.got).toHaveLength(5);
    return { ...parts, first, prompt, open: door.open };
  }

  test("requests wait, and then run", async () => {
    const { backends, ask, first, prompt, open } = await lostInTheMiddle();
    const second = ask({ prompt: tokens(6, 20), maxTokens: 4 });
    await settle();
    expect(second.got).toEqual([]);
    open();
    expect(await second.reply).toEqual(backends[0].expectedReply(tokens(6, 20), 4));
    expect(await first.reply).toEqual(backends[0].expectedReply(prompt, 20));
  });

  test("an abort ends its request at once, the others go on", async () => {
    const { scheduler, backends, ask, first, open } = await lostInTheMiddle();
    const second = ask({ prompt: tokens(6, 20), maxTokens: 4 });
    scheduler.cancel(first.run, aborted());
    await expect(first.reply).rejects.toMatchObject({ code: "aborted" });
    open();
    expect(await second.reply).toEqual(backends[0].expectedReply(tokens(6, 20), 4));
    expect(first.got).toHaveLength(5);
    expect(first.ends).toHaveLength(1);
    expectNothingLeft(scheduler);
  });

  test("a dispose ends all at once and the making too; a backend that comes late is disposed", async () => {
    const { scheduler, backends, seen, first, states, open } = await lostInTheMiddle();
    const logits = computeLogits(scheduler, tokens(5));
    scheduler.dispose();
    await expect(first.reply).rejects.toMatchObject({ code: "disposed" });
    await expect(logits).rejects.toMatchObject({ code: "disposed" });
    expect(seen.signal?.aborted).toBe(true);
    open();
    await until(() => backends[1]!.disposed);
    expect(backends[1]!.steps).toEqual([]);
    expect(states).toEqual(["lost"]);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])("a dispose %d microtasks after it is ready disposes it", async (count) => {
    const { scheduler, backends, first, open } = await lostInTheMiddle();
    open();
    for (let i = 0; i < count; i++) await Promise.resolve();
    scheduler.dispose();
    scheduler.backend.dispose(); // as the engine does
    await expect(first.reply).rejects.toMatchObject({ code: "disposed" });
    await until(() => backends[1]!.disposed);
    expect(first.ends).toHaveLength(1);
  });
});

describe("lost again", () => {
  test("a second loss while the first replay is computed", async () => {
    const { backends, ask, states } = setUp({}, { onStep: () => backends[1]!.lose("again") }, {});
    const prompt = tokens(30);
    const lose = (count: number) => count === 3 && backends[0].lose("unplugged");
    expect(await ask({ prompt, maxTokens: 10, onToken: lose }).reply).toEqual(backends[0].expectedReply(prompt, 10));
    expect(states).toEqual(["lost", "replaced", "lost", "replaced"]);
  });

  test("a backend that is lost before it takes the place", async () => {
    const { backends, ask, losses } = setUp({}, {}, {});
    backends[1]!.lose("stillborn");
    const prompt = tokens(6);
    const lose = (count: number) => count === 3 && backends[0].lose("unplugged");
    expect(await ask({ prompt, maxTokens: 10, onToken: lose }).reply).toEqual(backends[0].expectedReply(prompt, 10));
    expect(losses.map(({ message }) => message)).toEqual(["unplugged", "stillborn"]);
  });
});

describe("when nothing can take its place", () => {
  test("every request ends with one device-lost, also later ones, and the engine is lost", async () => {
    const { scheduler, backends, ask, states } = setUp({ limits: { slots: 1 } });
    const lose = (count: number) => count === 3 && backends[0].lose("unplugged.");
    const asked = [ask({ prompt: tokens(4), maxTokens: 9, onToken: lose }), ask({ prompt: tokens(5), maxTokens: 9 })];
    for (const { reply } of asked)
      await expect(reply).rejects.toMatchObject({
        code: "device-lost",
        message: "unplugged. Nothing can take its place: test: no adapter. Load the model again.",
      });
    await expect(computeLogits(scheduler, tokens(5))).rejects.toMatchObject({ code: "device-lost" });
    const later = ask({ prompt: tokens(5), maxTokens: 9 });
    await expect(later.reply).rejects.toMatchObject({ code: "device-lost" });
    await settle();
    for (const { ends } of [...asked, later]) expect(ends).toHaveLength(1);
    expect(asked[0]!.got).toHaveLength(3);
    expect(await scheduler.lost).toMatchObject({ code: "device-lost" });
    expect(states).toEqual(["lost", "failed"]);
  });

  test("a step that fails for another reason replaces nothing", async () => {
    const { backends, ask, losses } = setUp({}, {});
    backends[0].failNext = new FennecError("out-of-memory", "fake: no memory");
    await expect(ask({ prompt: tokens(4), maxTokens: 9 }).reply).rejects.toMatchObject({ code: "out-of-memory" });
    expect(await ask({ prompt: tokens(4), maxTokens: 3 }).reply).toEqual(backends[0].expectedReply(tokens(4), 3));
    expect(losses).toEqual([]);
  });
});

describe("at any time (property)", () => {
  const request = fc.record({
    at: fc.integer({ min: 0, max: 30 }),
    prefix: fc.integer({ min: 0, max: 2 }),
    promptTokens: fc.integer({ min: 1, max: 30 }),
    maxTokens: fc.integer({ min: 1, max: 20 }),
    abortAfter: fc.option(fc.integer({ min: 0, max: 25 }), { nil: undefined, freq: 4 }),
    twin: fc.boolean(),
  });
  const fake = fc.record({
    slots: fc.integer({ min: 1, max: 4 }),
    pages: fc.integer({ min: 15, max: 40 }),
    window: fc.option(fc.constant(8), { nil: undefined }),
    /** Steps after which it is lost; by a step that fails when `byStep`. */
    lostAfter: fc.integer({ min: 0, max: 25 }),
    byStep: fc.boolean(),
  });

  test("all replies are right, and nothing is left over", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), fc.array(fake, { maxLength: 4 }), run),
      { numRuns: 150, seed: 5 },
    );

    type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;
    type Fake = typeof fake extends fc.Arbitrary<infer T> ? T : never;

    async function run(requests: readonly Request[], lossy: readonly Fake[]): Promise<void> {
      let steps = 0;
      const toAbort: { at: number; run: Run }[] = [];
      const outcomes: Promise<unknown>[] = [];
      const last = { slots: 3, pages: 30, window: undefined, lostAfter: Number.POSITIVE_INFINITY, byStep: false };
      const fakes = [...lossy, last].map(({ slots, pages, window, lostAfter, byStep }, i): FakeOptions => {
        let left = lostAfter;
        const onStep = (_: number, batch: StepBatch) => {
          tick(batch);
          if (left-- > 0) return;
          if (byStep) throw new FennecError("device-lost", "test: step");
          backends[i]!.lose("test: device");
        };
        const windows = window === undefined ? [undefined] : [undefined, window];
        return { limits: { slots, context: 60 }, windows, pages: [pages, 12], onStep };
      });
      const { scheduler, backends, ask } = setUp(...fakes);
      let started = 0;

      function begin({ prefix, promptTokens, maxTokens, abortAfter, twin }: Request) {
        const prompt = tokens(promptTokens, 30 * prefix);
        const first = ask({ prompt, maxTokens });
        for (const { run, reply } of twin ? [first, ask({ prompt, maxTokens, after: first.run })] : [first]) {
          if (abortAfter !== undefined) toAbort.push({ at: steps + abortAfter, run });
          const right = (got: number[]) => expect(got).toEqual(backends[0].expectedReply(prompt, maxTokens));
          const wrong = (error: unknown) => expect(error).toMatchObject({ code: "aborted" });
          outcomes.push(reply.then(right, wrong));
        }
      }
      function tick({ rows }: StepBatch) {
        expect(rows.every(({ token }) => token >= LAST_TOKEN)).toBe(true);
        steps += 1;
        while (started < requests.length && requests[started]!.at <= steps) begin(requests[started++]!);
        for (const { at, run } of toAbort) if (at <= steps && run.state !== "ended") scheduler.cancel(run, aborted());
      }

      while (started < requests.length) {
        begin(requests[started++]!);
        await Promise.all(outcomes);
      }
      await Promise.all(outcomes);
      await settle();
      expectNothingLeft(scheduler);
    }
  });
});
