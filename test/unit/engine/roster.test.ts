// Who gets a slot that becomes free.

import { expect, test } from "vitest";
import { GREEDY } from "../../../kernels/sample/settings";
import type { Run } from "../../../src/engine/job";
import { Roster } from "../../../src/engine/roster";
import { KvCache } from "../../../src/engine/sequence";
import { FakeBackend } from "../../support/fake_backend";

function makeRun(order: number): Run {
  const job = { prompt: [1, 2], maxTokens: 4, sampler: GREEDY, onToken: () => false, onEnd: () => undefined };
  const stats = { queuedAt: 0, cachedTokens: 0, prefilledRows: 0, throttled: false };
  return { job, order, reply: [], maxTokens: 4, requested: 0, state: "waiting", prefilled: false, lastStep: 0, stats };
}

function setUp() {
  const backend = new FakeBackend({ limits: { slots: 1 } });
  const roster = new Roster(backend, new KvCache(backend), () => 0);
  const [first, second] = [makeRun(0), makeRun(1)];
  roster.add(first);
  roster.admit();
  roster.add(second);
  return { roster, first, second };
}

test("a borrower who waits gets the next slot, though requests are admitted in the same moment", async () => {
  const { roster, first, second } = setUp();
  let giveBack: () => void = () => undefined;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const borrowed = roster.borrow(
    () => {
      begin();
      return new Promise<void>((resolve) => (giveBack = resolve));
    },
    () => undefined,
  );
  roster.end(first);
  roster.admit();
  expect(second.state).toBe("waiting");
  await begun;
  giveBack();
  await borrowed;
  roster.admit();
  expect(second.state).toBe("running");
});

test("a borrower whose check fails gives the slot back", async () => {
  const { roster, first, second } = setUp();
  const borrowed = roster.borrow(
    () => Promise.resolve(),
    () => {
      throw new Error("disposed meanwhile");
    },
  );
  roster.end(first);
  await expect(borrowed).rejects.toThrow("disposed meanwhile");
  roster.admit();
  expect(second.state).toBe("running");
});
