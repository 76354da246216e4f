import { expect, test } from "vitest";
import { GREEDY } from "../../../kernels/sample/settings";
import { Scheduler } from "../../../src/engine/scheduler";
import { FakeBackend } from "../../support/fake_backend";

function reply(scheduler: Scheduler, prompt: readonly number[], maxTokens: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const tokens: number[] = [];
    scheduler.start({
      prompt,
      maxTokens,
      sampler: GREEDY,
      onToken: (token) => {
        tokens.push(token);
        return false;
      },
      onEnd: (error) => (error ? reject(error) : resolve(tokens)),
    });
  });
}

test("one sequence gets the model's reply", async () => {
  const backend = new FakeBackend();
  const scheduler = new Scheduler(backend);
  expect(await reply(scheduler, [1, 2, 3, 4, 5, 6], 20)).toEqual(backend.expectedReply([1, 2, 3, 4, 5, 6], 20));
});

test("six sequences share four slots", async () => {
  const backend = new FakeBackend();
  const scheduler = new Scheduler(backend);
  const prompts = Array.from({ length: 6 }, (_, i) => Array.from({ length: 5 + 3 * i }, (_, j) => (7 * i + j) % 97));
  const replies = await Promise.all(prompts.map((prompt) => reply(scheduler, prompt, 12)));
  expect(replies).toEqual(prompts.map((prompt) => backend.expectedReply(prompt, 12)));
});
