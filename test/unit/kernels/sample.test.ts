// The sampler's CPU twin against a sampler written down from the definitions, in f64; and its settings. That the GPU equals the twin is tested in test/kernels.

import { describe, expect, test } from "vitest";
import { exp2Table, TABLE_BITS } from "../../../kernels/sample/fixed";
import { createSampler, sampleReference, sampleWeights } from "../../../kernels/sample/reference";
import { sample } from "../../../kernels/sample/sample";
import { GREEDY, type SamplerSettings } from "../../../kernels/sample/settings";
import { checkSampler, encodeCounts, MAX_LANES, scratchWords, usesCounts } from "../../../kernels/sample/slot";
import { selfTestCases } from "../../../kernels/self_test";
import { noise, random } from "../../../kernels/testing";
import { isFennecError } from "../../../src/errors";

const settings = (some: Partial<SamplerSettings>): SamplerSettings => ({ ...GREEDY, temperature: 1, ...some });

/** Probabilities by the definitions: penalties, bias, temperature, top-k, top-p, min-p, in f64. */
function probabilities(logits: ArrayLike<number>, s: SamplerSettings, prompt: number[] = [], reply: number[] = []) {
  const scores = Array.from(logits, (logit, id) => {
    const count = reply.filter((token) => token === id).length;
    const seen = count > 0 || prompt.includes(id);
    const repeated = seen ? (logit > 0 ? logit / s.repetitionPenalty : logit * s.repetitionPenalty) : logit;
    const penalty = s.frequencyPenalty * count + (count > 0 ? s.presencePenalty : 0);
    return (repeated - penalty + (s.logitBias.get(id) ?? 0)) / s.temperature;
  });
  const largest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - largest));
  const sorted = [...weights].sort((a, b) => b - a);
  const kth = s.topK > 0 && s.topK < sorted.length ? sorted[s.topK - 1]! : 0;
  const afterK = weights.map((weight) => (weight >= kth ? weight : 0));
  const total = afterK.reduce((sum, weight) => sum + weight, 0);
  let mass = 0;
  let edge = 0;
  for (const weight of [...afterK].sort((a, b) => b - a)) {
    edge = weight;
    if ((mass += weight) >= s.topP * total) break;
  }
  const kept = afterK.map((weight) => (weight >= edge && weight >= s.minP ? weight : 0));
  const sum = kept.reduce((so, weight) => so + weight, 0);
  return kept.map((weight) => weight / sum);
}

/** How often each token is drawn, at `draws` positions in a row. */
function frequencies(
  logits: Float32Array,
  s: SamplerSettings,
  draws: number,
  prompt: number[] = [],
  reply: number[] = [],
) {
  const counts = new Array<number>(logits.length).fill(0);
  for (let position = 0; position < draws; position++) {
    const sampler = createSampler({ sampler: s, history: prompt });
    if (sampler.settings.counts) for (const token of reply) sampler.seen.set(token, (sampler.seen.get(token) ?? 0) + 1);
    counts[sampleReference(logits, sampler, position)]!++;
  }
  return counts;
}

const cases: readonly { name: string; some: Partial<SamplerSettings>; prompt?: number[]; reply?: number[] }[] = [
  { name: "temperature 1", some: {} },
  { name: "temperature 0.3", some: { temperature: 0.3 } },
  { name: "temperature 4", some: { temperature: 4 } },
  { name: "top-k 5", some: { topK: 5, temperature: 2 } },
  { name: "top-p 0.7", some: { topP: 0.7, temperature: 2 } },
  { name: "min-p 0.2", some: { minP: 0.2, temperature: 2 } },
  { name: "top-k, then top-p of what is left, then min-p", some: { topK: 12, topP: 0.8, minP: 0.05, temperature: 2 } },
  {
    name: "repetition penalty on prompt and reply",
    some: { repetitionPenalty: 1.5 },
    prompt: [0, 1, 2],
    reply: [3, 3],
  },
  {
    name: "frequency penalty counts the reply only",
    some: { frequencyPenalty: 0.7 },
    prompt: [0, 1],
    reply: [2, 2, 3],
  },
  { name: "presence penalty", some: { presencePenalty: 1.5 }, prompt: [0, 1], reply: [2, 2, 3] },
  {
    name: "biases",
    some: {
      logitBias: new Map([
        [4, 3],
        [5, -100],
      ]),
    },
  },
];

describe("drawn as often as the definitions say", () => {
  const VOCAB = 24;
  const DRAWS = 10_000;
  const logits = noise(VOCAB, 9, 3);

  test.each(cases)("$name", ({ some, prompt, reply }) => {
    const s = settings({ ...some, seed: 42n });
    const expected = probabilities(logits, s, prompt, reply);
    const counts = frequencies(logits, s, DRAWS, prompt, reply);
    let chiSquare = 0;
    expected.forEach((probability, id) => {
      if (probability === 0) expect(counts[id], `token ${id} is cut off`).toBe(0);
      else chiSquare += (counts[id]! - DRAWS * probability) ** 2 / (DRAWS * probability);
    });
    // Mean freedom f, deviation sqrt(2 f): five deviations above, for the fixed seed once and for all.
    const freedom = expected.filter((probability) => probability > 0).length - 1;
    expect(chiSquare).toBeLessThan(freedom + 5 * Math.sqrt(2 * freedom));
  });
});

describe("the distribution", () => {
  /** Where a weight is within this of an edge (units of 2^-19 octaves and of 2^-24), either side may be right. */
  const NEAR = 1e-5;

  test.each(Array.from({ length: 40 }, (_, seed) => seed))("keeps the exact set, with exact shares (%i)", (seed) => {
    const next = random(seed);
    const vocab = 50 + Math.floor(next() * 3000);
    const logits = noise(vocab, seed, 1 + 8 * next());
    const s = settings({
      temperature: 0.2 + 2 * next(),
      topK: next() < 0.5 ? Math.ceil(next() * vocab) : 0,
      topP: next() < 0.7 ? next() : 1,
      minP: next() < 0.3 ? 0.1 * next() : 0,
    });
    const weights = sampleWeights(logits, createSampler({ sampler: s, history: [] }));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const expected = probabilities(logits, s);
    const largest = Math.max(...expected);
    const least = Math.min(...expected.filter((probability) => probability > 0));
    expected.forEach((probability, id) => {
      const share = weights[id]! / total;
      const differs = (share === 0) !== (probability === 0);
      // Tokens lighter than half a unit of 2^-24 have no weight; those at the edge are within rounding of it.
      if (differs && probability > largest * 2 ** -24) expect(probability / least - 1).toBeLessThan(NEAR);
      if (differs && probability === 0) expect(1 - share / least).toBeLessThan(NEAR);
      if (!differs) expect(Math.abs(share - probability)).toBeLessThan(NEAR * probability + largest * 2 ** -23);
    });
  });
});

describe("greedy", () => {
  const greedy = (logits: number[], some: Partial<SamplerSettings> = {}, history: number[] = []) =>
    sampleReference(Float32Array.from(logits), createSampler({ sampler: { ...GREEDY, ...some }, history }), 0);

  test.each([
    ["the largest", [1, 3, 2], 1],
    ["the lowest id of equals", [1, 3, 3, 3], 1],
    ["logits closer than the fixed point tells apart", [5, 5.0000005, 5.000001], 2],
    ["logits beyond the clamp", [9000, 1e30, 9001], 1],
    ["all below the clamp", [-1e30, -9000, -1e20], 1],
    ["NaN below everything", [Number.NaN, Number.NEGATIVE_INFINITY, Number.NaN], 1],
    ["NaN everywhere", [Number.NaN, Number.NaN], 0],
    ["+Inf", [1, Number.POSITIVE_INFINITY, 3], 1],
    ["-0 equals 0", [-0, 0], 0],
    ["denormal numbers", [0, 1e-42, 1e-41], 2],
  ])("%s", (_, logits, id) => {
    expect(greedy(logits)).toBe(id);
  });

  test("penalties and biases change the choice", () => {
    expect(greedy([3, 2.9], { repetitionPenalty: 1.1 }, [0])).toBe(1);
    expect(greedy([-3, -3.1], { repetitionPenalty: 1.1 }, [0])).toBe(1);
    expect(greedy([3, 2.9], { logitBias: new Map([[1, 0.2]]) })).toBe(1);
    expect(greedy([3, 2.9], { presencePenalty: 2 }, [0])).toBe(0); // the prompt has no presence
  });

  test("counts its own tokens", () => {
    const sampler = createSampler({ sampler: { ...GREEDY, frequencyPenalty: 1 }, history: [] });
    const logits = Float32Array.of(3, 2.5, 0.9);
    expect([0, 1, 2, 3, 4].map((position) => sampleReference(logits, sampler, position))).toEqual([0, 1, 0, 1, 0]);
  });
});

test("equal seeds draw equal tokens, other seeds others", () => {
  const logits = noise(1000, 3, 1);
  const reply = (seed: bigint) => {
    const sampler = createSampler({ sampler: settings({ seed }), history: [] });
    return Array.from({ length: 20 }, (_, position) => sampleReference(logits, sampler, position));
  };
  expect(reply(7n)).toEqual(reply(7n));
  expect(reply(7n)).not.toEqual(reply(8n));
  expect(reply(7n)).not.toEqual(reply(7n + (1n << 32n)));
});

test("a flat distribution over the largest vocabulary reaches both of its ends", () => {
  const vocab = 2 ** 18;
  const sampler = createSampler({ sampler: settings({ topP: 0.999 }), history: [] });
  const flat = new Float32Array(vocab);
  const drawn = Array.from({ length: 6 }, (_, position) => sampleReference(flat, sampler, position));
  expect(Math.min(...drawn)).toBeLessThan(vocab / 4);
  expect(Math.max(...drawn)).toBeGreaterThan((3 * vocab) / 4);
});

test("the self-test on a user's device samples with everything on", async () => {
  expect((await selfTestCases(sample)).map(({ name }) => name)).toEqual(["one output with everything on"]);
});

test("the scratch holds a row and the lists for any number of lanes", () => {
  for (const vocab of [1, 2, 15, 16, 17, 307, 20_011, 151_936, 262_144, 2 ** 20 - 1])
    for (let lanes = 16; lanes <= MAX_LANES; lanes *= 2) {
      // As scratch_vectors in state.wgsl.
      const vectors = Math.floor((vocab + 6) / 4) + 2 * lanes * Math.ceil(vocab / (16 * lanes));
      expect(scratchWords(vocab)).toBeGreaterThanOrEqual(4 * vectors);
      expect(scratchWords(vocab) % 4).toBe(0);
    }
});

test("the table of powers of two is exact to half a unit", () => {
  exp2Table().forEach((entry, k) => {
    expect(Math.abs(entry - 2 ** (31 - k / 2 ** TABLE_BITS))).toBeLessThan(0.50001);
  });
});

describe("settings", () => {
  test.each<[keyof SamplerSettings, SamplerSettings[keyof SamplerSettings]]>([
    ["temperature", 0.001],
    ["temperature", -1],
    ["temperature", Number.NaN],
    ["topK", -1],
    ["topK", 1.5],
    ["topP", 0],
    ["topP", 1.1],
    ["minP", -0.1],
    ["repetitionPenalty", 0],
    ["frequencyPenalty", 2.1],
    ["presencePenalty", -3],
    ["logitBias", new Map([[3, 101]])],
    ["logitBias", new Map([[-1, 1]])],
    ["logitBias", new Map(Array.from({ length: 301 }, (_, id) => [id, 0]))],
  ])("%s of %s is refused by name", (field, value) => {
    const check = () => checkSampler({ ...GREEDY, [field]: value });
    expect(check).toThrow(field);
    expect(check).toThrow(expect.toSatisfy((error) => isFennecError(error) && error.code === "invalid-argument"));
  });

  test("the limits themselves are allowed", () => {
    checkSampler(GREEDY);
    checkSampler(settings({ temperature: 0.01, topP: 1e-9, minP: 1, repetitionPenalty: 100, frequencyPenalty: -2 }));
    checkSampler(settings({ logitBias: new Map(Array.from({ length: 300 }, (_, id) => [id, -100])) }));
  });

  test("counts are kept only for penalties", () => {
    expect(usesCounts(GREEDY)).toBe(false);
    expect(usesCounts(settings({ presencePenalty: 0.1 }))).toBe(true);
    expect([...encodeCounts({ history: [2, 2, 0] }, 4)]).toEqual([0x8000_0000, 0, 0x8000_0000, 0]);
    // A sequence that comes back to a slot brings its reply so far.
    expect([...encodeCounts({ history: [2], reply: [1, 2, 1] }, 4)]).toEqual([0, 2, 0x8000_0001, 0]);
  });
});
