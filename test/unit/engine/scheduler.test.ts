// The loop on the fake backend, which checks every key that a row sees: batches joined and left at any time, pages that
// run out, aborts, faults. Replies are compared with what the tokens alone say they must be.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GREEDY } from "../../../kernels/sample/settings";
import { LAST_TOKEN, type StepBatch } from "../../../src/backends/backend";
import type { Run } from "../../../src/engine/job";
import { Scheduler, type SchedulerOptions } from "../../../src/engine/scheduler";
import { FennecError } from "../../../src/errors";
import { FakeBackend, type FakeOptions } from "../../support/fake_backend";

const tokens = (count: number, from = 0) => Array.from({ length: count }, (_, i) => (from + i) % 97);

interface Ask {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly after?: Run;
  /** Stops at the reply's token of this number, from 0. */
  readonly stopAt?: number;
}

function setUp(fake: FakeOptions = {}, options: SchedulerOptions = {}) {
  const backend = new FakeBackend(fake);
  const scheduler = new Scheduler(backend, options);
  function ask({ stopAt, ...job }: Ask): { run: Run; reply: Promise<number[]> } {
    let run: Run | undefined;
    const reply = new Promise<number[]>((resolve, reject) => {
      const got: number[] = [];
      run = scheduler.start({
        ...job,
        sampler: GREEDY,
        onToken: (token) => got.push(token) - 1 === stopAt,
        onEnd: (error) => (error ? reject(error) : resolve(got)),
      });
    });
    reply.catch(() => undefined);
    return { run: run!, reply };
  }
  return { backend, scheduler, ask };
}

/** All slots are free, and all pages once the index lets go. */
function expectNothingLeft(scheduler: Scheduler): void {
  expect(scheduler.load).toEqual({ waiting: 0, running: 0 });
  scheduler.cache.index.clear();
  const { pools } = scheduler.cache;
  expect(pools.map((pool) => pool.free)).toEqual(pools.map((pool) => pool.size));
}

const aborted = () => new FennecError("aborted", "test: aborted");
const decodeRows = ({ rows }: StepBatch) => rows.filter(({ token }) => token === LAST_TOKEN).length;

describe("one sequence", () => {
  test("gets the model's reply, over page borders and chunk borders", async () => {
    const { backend, scheduler, ask } = setUp();
    const prompt = tokens(37);
    expect(await ask({ prompt, maxTokens: 20 }).reply).toEqual(backend.expectedReply(prompt, 20));
    expect(backend.steps.slice(0, 3)).toEqual([16, 16, 5]);
    expectNothingLeft(scheduler);
  });

  test("costs one row per token, and a host write per page only, once it runs", async () => {
    const { backend, ask } = setUp();
    await ask({ prompt: tokens(8), maxTokens: 40 }).reply;
    // 8 prompt rows, 39 fed tokens; the batch was written for the prompt and for the first decode step.
    expect(backend.rows).toHaveLength(8 + 39);
    expect(backend.counters.batchWrites).toBe(2);
    expect(backend.counters.pageWrites).toBe(Math.ceil(47 / 4));
    expect(backend.counters.slotWrites).toBe(1);
  });

  test("a stop wastes at most the steps in flight", async () => {
    const { backend, scheduler, ask } = setUp({}, { depth: 6 });
    const prompt = tokens(5);
    expect(await ask({ prompt, maxTokens: 50, stopAt: 20 }).reply).toEqual(backend.expectedReply(prompt, 21));
    expect(backend.rows.length - 5 - 20).toBeLessThanOrEqual(6);
    expectNothingLeft(scheduler);
  });

  test("a prompt as long as the context gives the one token that it was asked for", async () => {
    const { backend, ask } = setUp({ limits: { context: 32 } });
    const prompt = tokens(31);
    expect(await ask({ prompt, maxTokens: 1 }).reply).toEqual(backend.expectedReply(prompt, 1));
    expect(backend.rows).toHaveLength(31);
  });
});

describe("prefix reuse through the loop", () => {
  test("turn 2 of a conversation prefills its new tokens and nothing else", async () => {
    const { backend, ask } = setUp();
    const first = tokens(9);
    const reply = await ask({ prompt: first, maxTokens: 7 }).reply;
    const before = backend.promptRows;
    // The reply's last token was never fed: its row is new too.
    const second = [...first, ...reply, 50, 51, 52];
    const { run, reply: next } = ask({ prompt: second, maxTokens: 5 });
    expect(await next).toEqual(backend.expectedReply(second, 5));
    expect(backend.promptRows - before).toBe(1 + 3);
    expect(run.stats).toMatchObject({ cachedTokens: 15, prefilledRows: 4 });
    expect(backend.copies).toBe(0);
  });

  test("several replies to one prompt compute it once", async () => {
    const { backend, scheduler, ask } = setUp();
    const prompt = tokens(21);
    const first = ask({ prompt, maxTokens: 9 });
    const others = [1, 2, 3].map(() => ask({ prompt, maxTokens: 9, after: first.run }));
    const replies = await Promise.all([first, ...others].map(({ reply }) => reply));
    expect(replies).toEqual(replies.map(() => backend.expectedReply(prompt, 9)));
    expect(backend.promptRows).toBe(21 + 3);
    expect(backend.copies).toBe(0); // 20 tokens are whole pages
    expectNothingLeft(scheduler);
  });

  test("replies that part inside a page get copies of it", async () => {
    const { backend, scheduler, ask } = setUp();
    const prompt = tokens(23);
    const first = ask({ prompt, maxTokens: 9 });
    const others = [1, 2].map(() => ask({ prompt, maxTokens: 9, after: first.run }));
    const replies = await Promise.all([first, ...others].map(({ reply }) => reply));
    expect(replies).toEqual(replies.map(() => backend.expectedReply(prompt, 9)));
    expect(backend.copies).toBe(2);
    expectNothingLeft(scheduler);
  });

  test("a reply is shared as far as it was accepted, not as far as it ran", async () => {
    const { backend, ask } = setUp();
    const prompt = tokens(6);
    const reply = await ask({ prompt, maxTokens: 40, stopAt: 17 }).reply;
    const other = [...prompt, ...reply, ...backend.expectedReply([...prompt, ...reply], 4), 7];
    const { run, reply: next } = ask({ prompt: other, maxTokens: 3 });
    expect(await next).toEqual(backend.expectedReply(other, 3));
    expect(run.stats.cachedTokens).toBeLessThanOrEqual(prompt.length + reply.length);
    expect(run.stats.cachedTokens).toBeGreaterThanOrEqual(prompt.length + reply.length - 1);
  });
});

describe("several sequences", () => {
  test("more requests than slots all get their replies", async () => {
    const { backend, scheduler, ask } = setUp();
    const prompts = tokens(9).map((i) => tokens(5 + 3 * i, 7 * i));
    const replies = await Promise.all(prompts.map((prompt) => ask({ prompt, maxTokens: 12 }).reply));
    expect(replies).toEqual(prompts.map((prompt) => backend.expectedReply(prompt, 12)));
    expectNothingLeft(scheduler);
  });

  test("a long prompt is computed in pieces between the decode steps of others", async () => {
    const kinds: string[] = [];
    let second: ReturnType<typeof ask> | undefined;
    function onStep(step: number, batch: StepBatch) {
      kinds.push(decodeRows(batch) > 0 ? "decode" : `prompt of ${batch.rows.length}`);
      if (step === 5) second = ask({ prompt: tokens(250, 50), maxTokens: 2 });
    }
    // A clock that gives each look at it 4 ms: so a row seems to cost about a quarter of a millisecond or more.
    let now = 0;
    const { ask } = setUp({ limits: { rows: 64, context: 512 }, pages: [256], onStep }, { now: () => (now += 4) });
    await ask({ prompt: tokens(4), maxTokens: 60 }).reply;
    await second!.reply;
    const during = kinds.slice(6, kinds.findLastIndex((kind) => kind !== "decode") + 1);
    const prompts = during.filter((kind) => kind !== "decode");
    expect(prompts.length).toBeGreaterThan(3);
    expect(during.filter((kind, i) => kind !== "decode" && during[i + 1] !== "decode")).toEqual([prompts.at(-1)]);
  });

  test("a step takes no longer than the backend allows, though nobody else waits", async () => {
    let now = 0;
    const onStep = (_: number, { rows }: StepBatch) => {
      now += 2 * rows.length; // milliseconds
    };
    const limits = { rows: 256, context: 1024, stepMs: 100 };
    const { backend, ask } = setUp({ limits, pages: [512], onStep }, { now: () => now });
    await ask({ prompt: tokens(500), maxTokens: 1 }).reply;
    expect(backend.steps[0]).toBe(64); // nothing is measured yet
    expect(new Set(backend.steps.slice(2, -1))).toEqual(new Set([32]));
  });

  test("with more sequences than outputs of a step, all take turns", async () => {
    const { backend, scheduler, ask } = setUp({ limits: { slots: 7, outputs: 3 }, pages: [200] });
    const prompts = tokens(7).map((i) => tokens(6, 11 * i));
    const replies = await Promise.all(prompts.map((prompt) => ask({ prompt, maxTokens: 15 }).reply));
    expect(replies).toEqual(prompts.map((prompt) => backend.expectedReply(prompt, 15)));
    expectNothingLeft(scheduler);
  });

  test("when pages run out the latest gives way and comes back with the same reply", async () => {
    const { backend, scheduler, ask } = setUp({ pages: [14], limits: { context: 48 } });
    const prompts = tokens(4).map((i) => tokens(8, 20 * i));
    const asked = prompts.map((prompt) => ask({ prompt, maxTokens: 24 }));
    const finished: number[] = [];
    for (const [i, { reply }] of asked.entries()) void reply.then(() => finished.push(i));
    const replies = await Promise.all(asked.map(({ reply }) => reply));
    expect(finished).toEqual([0, 1, 2, 3]);
    expect(Math.max(...backend.rows.map(({ position }) => position))).toBeLessThan(8 + 24 - 1);
    expect(replies).toEqual(prompts.map((prompt) => backend.expectedReply(prompt, 24)));
    expect(asked.some(({ run }) => run.stats.prefilledRows > 8)).toBe(true);
    expectNothingLeft(scheduler);
  });
});

describe("leaving", () => {
  test("an abort while the prompt is computed frees slot and pages, and the next request is right", async () => {
    const { backend, scheduler, ask } = setUp({
      limits: { slots: 1 },
      onStep: (step) => step === 1 && scheduler.cancel(first.run, aborted()),
    });
    const first = ask({ prompt: tokens(60), maxTokens: 4 });
    await expect(first.reply).rejects.toMatchObject({ code: "aborted" });
    expect(backend.rows.length).toBeLessThanOrEqual(32);
    const prompt = tokens(20, 3);
    expect(await ask({ prompt, maxTokens: 10 }).reply).toEqual(backend.expectedReply(prompt, 10));
    expectNothingLeft(scheduler);
  });

  test("late results of an aborted request never reach the one that has its slot", async () => {
    const held: (() => void)[] = [];
    const { backend, scheduler, ask } = setUp({
      limits: { slots: 1 },
      delay: () => new Promise<void>((resolve) => held.push(resolve)),
    });
    const settle = () => new Promise((resolve) => setTimeout(resolve));
    const first = ask({ prompt: tokens(5), maxTokens: 30 });
    await settle();
    expect(backend.steps).toHaveLength(2);
    scheduler.cancel(first.run, aborted());
    const prompt = tokens(5, 40);
    const second = ask({ prompt, maxTokens: 6 });
    let settled = false;
    void second.reply.then(() => (settled = true));
    while (!settled) {
      await settle();
      held.shift()?.();
    }
    expect(await second.reply).toEqual(backend.expectedReply(prompt, 6));
    await expect(first.reply).rejects.toMatchObject({ code: "aborted" });
    expectNothingLeft(scheduler);
  });

  test("an abort before the first step leaves nothing", async () => {
    const { backend, scheduler, ask } = setUp();
    const { run, reply } = ask({ prompt: tokens(5), maxTokens: 3 });
    scheduler.cancel(run, aborted());
    await expect(reply).rejects.toMatchObject({ code: "aborted" });
    expect(backend.steps).toEqual([]);
    expectNothingLeft(scheduler);
  });
});

describe("faults", () => {
  test("a failing step ends the requests with its error, and later ones run", async () => {
    const { backend, scheduler, ask } = setUp();
    const prompt = tokens(10);
    await ask({ prompt, maxTokens: 3 }).reply;
    backend.failNext = new FennecError("out-of-memory", "fake: no memory");
    // The step that fails would have written pages of this prompt: nobody may find them afterwards.
    const lost = tokens(12, 30);
    const failed = [ask({ prompt: lost, maxTokens: 9 }), ask({ prompt: tokens(4), maxTokens: 9 })];
    for (const { reply } of failed) await expect(reply).rejects.toMatchObject({ code: "out-of-memory" });
    for (const again of [lost, prompt])
      expect(await ask({ prompt: again, maxTokens: 5 }).reply).toEqual(backend.expectedReply(again, 5));
    expectNothingLeft(scheduler);
  });

  test("a lost device ends all, now and later", async () => {
    const { backend, ask } = setUp({ delay: () => new Promise(() => undefined) });
    const { reply } = ask({ prompt: tokens(5), maxTokens: 5 });
    backend.lose("unplugged");
    await expect(reply).rejects.toMatchObject({ code: "device-lost", message: "unplugged" });
    await expect(ask({ prompt: tokens(5), maxTokens: 5 }).reply).rejects.toMatchObject({ code: "device-lost" });
  });

  test("a window's pool that cannot hold a chunk makes chunks smaller", async () => {
    const { backend, scheduler, ask } = setUp({ windows: [undefined, 8], pages: [16, 3], limits: { rows: 8 } });
    // Eight rows and the seven before them need up to five pages of the window group; it has three.
    const prompt = tokens(30);
    expect(await ask({ prompt, maxTokens: 4 }).reply).toEqual(backend.expectedReply(prompt, 4));
    expectNothingLeft(scheduler);
  });

  test("a sequence that no pool can hold ends with out-of-memory, and the next one runs", async () => {
    const { backend, scheduler, ask } = setUp({ windows: [undefined, 8], pages: [16, 2] });
    await expect(ask({ prompt: tokens(30), maxTokens: 4 }).reply).rejects.toMatchObject({ code: "out-of-memory" });
    expect(await ask({ prompt: tokens(4), maxTokens: 3 }).reply).toEqual(backend.expectedReply(tokens(4), 3));
    expectNothingLeft(scheduler);
  });

  test("a callback that throws ends its own request only", async () => {
    const { backend, scheduler, ask } = setUp();
    const error = await new Promise((resolve) => {
      scheduler.start({
        prompt: [1],
        maxTokens: 5,
        sampler: GREEDY,
        onToken: () => {
          throw new FennecError("template-failed", "test: broken");
        },
        onEnd: resolve,
      });
    });
    expect(error).toMatchObject({ code: "template-failed" });
    const prompt = tokens(4);
    expect(await ask({ prompt, maxTokens: 4 }).reply).toEqual(backend.expectedReply(prompt, 4));
    expectNothingLeft(scheduler);
  });
});

describe("anything at any time (property)", () => {
  const request = fc.record({
    at: fc.integer({ min: 0, max: 60 }),
    prefix: fc.integer({ min: 0, max: 2 }),
    promptTokens: fc.integer({ min: 1, max: 40 }),
    maxTokens: fc.integer({ min: 1, max: 20 }),
    stopAt: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    abortAfter: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
    twin: fc.boolean(),
  });
  const setting = fc.constantFrom<FakeOptions>(
    { pages: [64] },
    { pages: [17] },
    { pages: [24], limits: { slots: 6, outputs: 2 } },
    { windows: [undefined, 6], pages: [64, 40] },
    { windows: [undefined, 6], pages: [20, 18] },
    { windows: [5], pages: [20] },
    { windows: [3, undefined, 9], pages: [20, 30, 40], limits: { slots: 2, rows: 5, outputs: 2 } },
  );

  test("every reply is right or aborted, and no page or slot is lost", async () => {
    await fc.assert(
      fc.asyncProperty(setting, fc.array(request, { minLength: 1, maxLength: 12 }), async (fake, requests) => {
        const toAbort: { at: number; run: Run }[] = [];
        const outcomes: Promise<void>[] = [];
        const { backend, scheduler, ask } = setUp({ ...fake, limits: { context: 60, ...fake.limits }, onStep: tick });
        let started = 0;

        function begin({ prefix, promptTokens, maxTokens, stopAt, abortAfter, twin }: (typeof requests)[number]) {
          const prompt = tokens(promptTokens, 30 * prefix);
          const first = ask({ prompt, maxTokens, ...(stopAt !== undefined && { stopAt }) });
          const all = twin ? [first, ask({ prompt, maxTokens, after: first.run })] : [first];
          for (const [i, { run, reply }] of all.entries()) {
            if (abortAfter !== undefined) toAbort.push({ at: backend.steps.length + abortAfter, run });
            const count = i === 0 && stopAt !== undefined ? Math.min(maxTokens, stopAt + 1) : maxTokens;
            const right = (got: number[]) => expect(got).toEqual(backend.expectedReply(prompt, count));
            const wrong = (error: unknown) => expect(error).toMatchObject({ code: "aborted" });
            outcomes.push(reply.then(right, wrong));
          }
        }
        function tick(step: number) {
          for (const [i, request] of requests.entries()) {
            if (i < started || request.at > step) continue;
            started = i + 1;
            begin(request);
          }
          for (const { at, run } of toAbort) if (at <= step && run.state !== "ended") scheduler.cancel(run, aborted());
        }

        while (started < requests.length) {
          begin(requests[started++]!);
          await Promise.all(outcomes);
        }
        await Promise.all(outcomes);
        expectNothingLeft(scheduler);
      }),
      { numRuns: 100, seed: 11 },
    );
  });
});
