// The remedy for Firefox's slow polling, on a made-up device that counts what is submitted.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { awaitingOn } from "../../../src/backends/webgpu/firefox_poll";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0";
const OTHERS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
  "Node.js/24",
  undefined,
];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(userAgent: string | undefined) {
  let submits = 0;
  const device = {
    queue: { submit: () => (submits += 1) },
    createCommandEncoder: () => ({ finish: () => ({}) }),
  } as unknown as GPUDevice;
  return { awaiting: awaitingOn(device, userAgent), submits: () => submits };
}

/** A promise and what settles it. */
function pending() {
  let settle: (error?: Error) => void = () => undefined;
  const promise = new Promise<string>((resolve, reject) => {
    settle = (error) => (error ? reject(error) : resolve("answer"));
  });
  return { promise, settle };
}

test("in Firefox something is submitted while an answer is awaited, and nothing after it", async () => {
  const { awaiting, submits } = setUp(FIREFOX);
  const [first, second] = [pending(), pending()];
  const answers = [awaiting(first.promise), awaiting(second.promise)];
  await vi.advanceTimersByTimeAsync(20);
  expect(submits()).toBeGreaterThan(2);
  expect(submits()).toBeLessThanOrEqual(20); // one chain of timers, however many wait
  first.settle();
  expect(await answers[0]).toBe("answer");
  const before = submits();
  await vi.advanceTimersByTimeAsync(20);
  expect(submits()).toBeGreaterThan(before);
  second.settle(new Error("test: lost"));
  await expect(answers[1]).rejects.toThrow("lost");
  const after = submits();
  await vi.advanceTimersByTimeAsync(50);
  expect(submits()).toBe(after);
  expect(vi.getTimerCount()).toBe(0);
});

test("an answer that is there at once costs no submission", async () => {
  const { awaiting, submits } = setUp(FIREFOX);
  await awaiting(Promise.resolve());
  await vi.advanceTimersByTimeAsync(50);
  expect(submits()).toBe(0);
});

test.each(OTHERS)("nothing is submitted in %s", async (userAgent) => {
  const { awaiting, submits } = setUp(userAgent);
  const { promise, settle } = pending();
  const answer = awaiting(promise);
  await vi.advanceTimersByTimeAsync(50);
  settle();
  expect(await answer).toBe("answer");
  expect(submits()).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
