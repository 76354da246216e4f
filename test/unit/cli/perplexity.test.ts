// fennec perplexity: which positions count, against numbers worked out by hand on an engine whose logits are known.

import { describe, expect, test } from "vitest";
import { measurePerplexity } from "../../../src/cli/perplexity";
import { runCli } from "../../support/cli";
import { expectFennecError } from "../../support/expect_error";
import { fakeTokenizer, TOKEN } from "../../support/fake_engine";

const nano = "test/fixtures/nano/llama-nano-F32.gguf";
const vocab = 300;

/** Gives the token after each position the probability that `chance` says, and the rest to the others alike. */
function knownEngine(chance: (position: number) => number) {
  const asked: number[][] = [];
  const engine = {
    tokenizer: fakeTokenizer(),
    model: { name: "known", architecture: "known", vocab, hasChatTemplate: false },
    async logits(tokens: readonly number[]) {
      asked.push([...tokens]);
      const logits = new Float32Array(tokens.length * vocab);
      for (let row = 0; row + 1 < tokens.length; row++) {
        const p = chance(row + 1);
        logits.fill(Math.log((1 - p) / (vocab - 1)), row * vocab, (row + 1) * vocab);
        logits[row * vocab + tokens[row + 1]!] = Math.log(p);
      }
      return logits;
    },
  };
  return { engine, asked };
}

describe("the positions that count", () => {
  test("are those after the first half of each whole window; BOS begins each", async () => {
    const { engine, asked } = knownEngine((position) => (position > 4 ? 1 / 4 : 1 / 100));
    const text = "abcdefghijklmnopqr";
    const found = await measurePerplexity(engine, text, { window: 8 });
    const ids = engine.tokenizer.encode(text, { bos: true });
    expect(ids.length).toBeGreaterThan(16);
    expect(ids.length).toBeLessThan(24);
    expect(asked).toEqual([ids.slice(0, 8), [TOKEN.bos, ...ids.slice(9, 16)]]);
    expect(found).toMatchObject({ window: 8, windows: 2, scored: 6 });
    expect(found.perplexity).toBeCloseTo(4, 4);
    expect(found.deviation).toBeLessThan(1e-2);
  });

  test("weigh alike: the mean of the losses, not of perplexities", async () => {
    const { engine } = knownEngine((position) => (position === 5 ? 1 / 64 : 1 / 8));
    const found = await measurePerplexity(engine, "abcdefghijklmnopqr", { window: 8 });
    expect(found.perplexity).toBeCloseTo((64 * 8 * 8) ** (1 / 3), 3);
    expect(found.deviation).toBeGreaterThan(1);
  });

  test("the first windows only", async () => {
    const { engine, asked } = knownEngine(() => 1 / 2);
    expect(await measurePerplexity(engine, "abcdefghijklmnopqr", { window: 8, windows: 1 })).toMatchObject({
      windows: 1,
      scored: 3,
    });
    expect(asked).toHaveLength(1);
  });

  test("a text shorter than a window is refused", async () => {
    const { engine } = knownEngine(() => 1 / 2);
    await expectFennecError(() => measurePerplexity(engine, "abc", { window: 8 }), "invalid-argument", "window of 8");
  });
});

test("on a model of random weights it is about the vocabulary's size", async () => {
  const argv = [
    "perplexity",
    nano,
    "--file",
    "LICENSE",
    "--ctx",
    "32",
    "--windows",
    "1",
    "--backend",
    "reference",
    "--json",
  ];
  const { code, out, notes } = await runCli(argv);
  expect(notes).toEqual([]);
  expect(code).toBe(0);
  const report = JSON.parse(out);
  expect(report).toMatchObject({ backend: "reference", precision: "exact", window: 32, windows: 1, scored: 15 });
  expect(report.perplexity).toBeGreaterThan(50);
});

test.each([
  ["no text", ["perplexity", nano], "--file", 2],
  ["a window of nothing", ["perplexity", nano, "--file", "LICENSE", "--ctx", "3"], "at least 4", 2],
  ["a window past the context", ["perplexity", nano, "--file", "LICENSE", "--ctx", "1000000"], "context", 2],
  ["a text that is not there", ["perplexity", nano, "--file", "nowhere.txt"], "nowhere.txt", 1],
] as const)("%s is refused", async (_why, argv, says, expected) => {
  const { code, notes } = await runCli(argv);
  expect(code).toBe(expected);
  expect(notes).toEqual([expect.stringContaining(says)]);
});
