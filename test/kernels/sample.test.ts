// The GPU sampler against its CPU twin, bit for bit, on settings and logits drawn at random: many more than its cases,
// and over several tokens of a reply, with the state that the GPU itself left.

import { describe, expect, test } from "vitest";
import { MAX_OUTPUTS } from "../../kernels/common/batch";
import batchWgsl from "../../kernels/common/batch.wgsl?raw";
import u64Wgsl from "../../kernels/common/u64.wgsl?raw";
import { randomOutput, samplerOf, sampling } from "../../kernels/sample/cases";
import { MAX_BIASES } from "../../kernels/sample/fixed";
import { sampleReference, sampleWeights } from "../../kernels/sample/reference";
import { sample } from "../../kernels/sample/sample";
import scanWgsl from "../../kernels/sample/scan.wgsl?raw";
import scoreWgsl from "../../kernels/sample/score.wgsl?raw";
import { GREEDY } from "../../kernels/sample/settings";
import stateWgsl from "../../kernels/sample/state.wgsl?raw";
import { noise, random } from "../../kernels/testing";
import { disagreement } from "../support/compare";
import { testDevice } from "../support/gpu";
import { launch, variantsOf } from "../support/launch";
import weightsWgsl from "./sample_weights.wgsl?raw";

/** Sizes around the teams, and one with several tokens per lane. */
const VOCABS = [2, 15, 16, 17, 255, 256, 257, 1000, 3001];
const BATCHES = 18;

const batches = Array.from({ length: BATCHES }, (_, batch) => {
  const vocab = VOCABS[batch % VOCABS.length]!;
  const outputs = Array.from({ length: MAX_OUTPUTS }, (_, o) => randomOutput(1000 * batch + o, vocab));
  return sampling(`batch ${batch}, vocabulary of ${vocab}`, outputs);
});

describe("the GPU sampler equals its twin", async () => {
  const { traits } = await testDevice("full");
  for (const variant of variantsOf(batches[0]!, traits).run) {
    test.each(batches)(`${variant.name}: $name`, async (c) => {
      const got = await launch(await testDevice("full"), c, variant);
      for (const [buffer, want] of Object.entries(c.expected({})))
        expect(disagreement(got.get(buffer)!, want, 0), buffer).toBeUndefined();
    });

    test(`${variant.name}: a reply of eight tokens, on the state that the GPU left`, async () => {
      const vocab = 211;
      const tokens = 8;
      const outputs = Array.from({ length: MAX_OUTPUTS }, (_, o) => {
        const { settings, prompt } = randomOutput(77 + o, vocab);
        return { settings: { ...settings, temperature: 1.2, repetitionPenalty: 1.1, frequencyPenalty: 0.5 }, prompt };
      });
      const logitsAt = (token: number, o: number) => noise(vocab, 100 * token + o, 2);
      const samplers = outputs.map((output) => samplerOf({ ...output, logits: logitsAt(0, 0) }));
      let state: Record<string, Uint32Array> = {};
      for (let token = 0; token < tokens; token++) {
        const c = sampling(
          "reply",
          outputs.map((output, o) => ({ ...output, logits: logitsAt(token, o) })),
        );
        // Every row takes its position from its slot, as in decoding.
        const batch = c.buffers.batch as Uint32Array;
        const fromSlots = batch.map((word, at) => (at % 8 === 0 && at > 4 && at < 4 + 8 * MAX_OUTPUTS ? -1 : word));
        const got = await launch(
          await testDevice("full"),
          { ...c, buffers: { ...c.buffers, ...state, batch: fromSlots } },
          variant,
        );
        const sampled = new Uint32Array(got.get("sampled")!);
        const expected = samplers.map((sampler, o) =>
          sampleReference(logitsAt(token, o), sampler, 100 * o + 7 + token),
        );
        expect(expected.map((_, o) => sampled[2 * o])).toEqual(expected);
        state = { slots: new Uint32Array(got.get("slots")!), counts: new Uint32Array(got.get("counts")!) };
      }
    });
  }
});

describe("the weights on the GPU equal the twin's, token by token", () => {
  const VOCAB = 20_000;
  const kernel = {
    ...sample,
    name: "sample_weights",
    variants: [
      {
        name: "invocation",
        suits: () => true,
        parts: [weightsWgsl, stateWgsl, scoreWgsl, scanWgsl, u64Wgsl, batchWgsl].map((wgsl) => ({ wgsl })),
        constants: () => ({ MAX_BIASES, LANES: 64 }),
        grid: () => [Math.ceil(VOCAB / 4 / 64), 1, 1] as const,
      },
    ],
  };

  test.each([0.01, 0.3, 1, 1.7, 100])("temperature %d", async (temperature) => {
    const next = random(Math.round(temperature * 100));
    const logits = noise(VOCAB, 5, 12 * temperature);
    logits.set([13 * temperature, Number.NaN, Number.NEGATIVE_INFINITY, -9000]);
    const token = () => 1 + Math.floor(next() * (VOCAB - 1));
    const output = {
      settings: { ...GREEDY, temperature, repetitionPenalty: 1.37, frequencyPenalty: 0.31, presencePenalty: 1.1 },
      prompt: Array.from({ length: 3000 }, token),
      reply: Array.from({ length: 3000 }, token),
      logits,
    };
    const c = { ...sampling("weights", [output]), kernel };
    const got = await launch(await testDevice("full"), c, kernel.variants[0]!);
    const want = sampleWeights(logits, samplerOf(output));
    expect(want.filter((weight) => weight > 0).length).toBeGreaterThan(VOCAB / 4);
    expect(disagreement(got.get("scores")!.slice(0, 4 * VOCAB), want, 0)).toBeUndefined();
  });
});
