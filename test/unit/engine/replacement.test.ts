// What takes the place of a lost backend, in which order, and when nothing does.

import { expect, test } from "vitest";
import type { Backend } from "../../../src/backends/backend";
import { replacement } from "../../../src/engine/replacement";
import { FennecError } from "../../../src/errors";
import { FakeBackend } from "../../support/fake_backend";

const LOST = new FennecError("device-lost", "test: unplugged.");
const missing = () => new FennecError("webgpu-missing", "test: no adapter.");

/** @param tries What WebGPU does when it is asked, one after the other. */
function setUp(tries: readonly (Error | "made")[], processor: Error | "made" | "none" = "made") {
  const calls: string[] = [];
  const waited: number[] = [];
  const clock = { now: 1000 };
  const rest = [...tries];
  const made = new FakeBackend();
  const answer = async (what: Error | "made" | undefined): Promise<Backend> => {
    if (what === "made") return made;
    throw what ?? new Error("test: asked too often");
  };
  const replace = replacement({
    async webgpu() {
      calls.push("webgpu");
      return answer(rest.shift());
    },
    ...(processor !== "none" && {
      async processor(reason: string) {
        calls.push(reason);
        return answer(processor);
      },
    }),
    now: () => clock.now,
    async wait(ms, signal) {
      signal.throwIfAborted();
      waited.push(ms);
    },
  });
  const lose = (signal = new AbortController().signal) => replace(LOST, signal);
  return { calls, waited, clock, made, lose };
}

test("WebGPU again, at once", async () => {
  const { calls, waited, made, lose } = setUp(["made"]);
  expect(await lose()).toBe(made);
  expect(calls).toEqual(["webgpu"]);
  expect(waited).toEqual([0]);
});

test("an adapter that is away for a moment is asked for again", async () => {
  const { calls, waited, made, lose } = setUp([missing(), missing(), "made"]);
  expect(await lose()).toBe(made);
  expect(calls).toEqual(["webgpu", "webgpu", "webgpu"]);
  expect(waited).toEqual([0, expect.any(Number), expect.any(Number)]);
});

test("an adapter that stays away gives way to the processor, which says why", async () => {
  const { calls, made, lose } = setUp([missing(), missing(), missing()]);
  expect(await lose()).toBe(made);
  expect(calls[3]).toBe("test: unplugged. WebGPU cannot be had again: test: no adapter.");
});

test("another fault than a missing adapter is not tried again", async () => {
  const { calls, lose } = setUp([new FennecError("out-of-memory", "test: too large.")]);
  await lose();
  expect(calls).toEqual(["webgpu", expect.stringContaining("too large")]);
});

test("a device that is lost again within a minute is not asked for a third time; after a minute it is", async () => {
  const { calls, clock, lose } = setUp(["made", "made"]);
  await lose();
  clock.now += 59_000;
  await lose();
  expect(calls).toEqual(["webgpu", expect.stringContaining("second time within a minute")]);
  clock.now += 61_000;
  await lose();
  expect(calls).toHaveLength(3);
  expect(calls[2]).toBe("webgpu");
});

test("where WebGPU was insisted on, nothing else takes its place", async () => {
  const { lose } = setUp([missing(), missing(), missing()], "none");
  await expect(lose()).rejects.toMatchObject({
    code: "device-lost",
    message: "test: unplugged. WebGPU cannot be had again: test: no adapter. Load the model again.",
  });
});

test("when the processor cannot either, the error tells the whole story", async () => {
  const { lose } = setUp([missing(), missing(), missing()], new FennecError("backend-unsupported", "test: too large."));
  await expect(lose()).rejects.toMatchObject({
    code: "device-lost",
    message: expect.stringMatching(/unplugged.*no adapter.*processor.*too large.*Load the model again/),
  });
});

test("an abort ends it between two tries", async () => {
  const controller = new AbortController();
  const { calls, lose } = setUp([missing(), "made"]);
  const lost = lose(controller.signal);
  controller.abort(new Error("test: enough"));
  await expect(lost).rejects.toThrow("enough");
  expect(calls.length).toBeLessThan(2);
});
