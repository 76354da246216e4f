import { OUTPUT_NO_SAMPLE, SLOT, SLOT_WORDS } from "../common/batch";
import { type BatchRow, batchUniform, type KernelCase, kernelCase, noise, random } from "../testing";
import { exp2Table, fixedSettings, SCORE_BITS } from "./fixed";
import { createSampler, type Sampler, sampleReference } from "./reference";
import { sample } from "./sample";
import { GREEDY, type SamplerSettings } from "./settings";
import { encodeBiases, encodeCounts, encodeSlot, MAX_BIASES, scratchWords } from "./slot";

/** One output: its sequence's settings and history, the tokens of its reply so far, and its logits. */
export interface SampleCase {
  readonly settings: SamplerSettings;
  readonly prompt?: readonly number[];
  readonly reply?: readonly number[];
  /** `[vocab]` */
  readonly logits: Float32Array;
}

/** Samples all outputs in one launch; they lie in slots in reverse order, in a batch with a row between each two. */
export function sampling(name: string, outputs: readonly SampleCase[]): KernelCase {
  const vocab = outputs[0]!.logits.length;
  const stride = vocab + 3; // rows begin anywhere in a vector of four
  const count = outputs.length;
  const slotOf = (output: number) => count - 1 - output;
  const positionOf = (output: number) => 100 * output + 7;

  const slots = new Uint32Array(SLOT_WORDS * count);
  const biases = new Uint32Array(2 * MAX_BIASES * count);
  const counts = new Uint32Array(vocab * count);
  const logits = new Float32Array(4 * Math.ceil((stride * count) / 4)).fill(1e9); // between the rows: larger than any
  outputs.forEach((output, o) => {
    const slot = slotOf(o);
    slots.set(encodeSlot({ generation: 50 + o, sampler: output.settings }), SLOT_WORDS * slot);
    slots[SLOT_WORDS * slot + SLOT.position] = positionOf(o);
    biases.set(encodeBiases(output.settings), 2 * MAX_BIASES * slot);
    counts.set(encodeCounts({ history: output.prompt ?? [] }, vocab), vocab * slot);
    for (const token of output.reply ?? []) counts[vocab * slot + token]!++;
    logits.set(output.logits, stride * o);
  });
  // Odd outputs say their position in the batch, even ones have it in their slot.
  const rows = outputs.flatMap((_, o): BatchRow[] => [
    { token: 0, slot: 0, position: 9999 },
    { slot: slotOf(o), ...(o % 2 === 1 && { token: 5, position: positionOf(o) }) },
  ]);
  return kernelCase({
    name,
    kernel: sample,
    params: { vocab, stride },
    buffers: {
      batch: batchUniform(
        rows,
        outputs.map((_, o) => 2 * o + 1),
      ),
      slots,
      logits,
      scores: { words: scratchWords(vocab) * count },
      counts,
      biases,
      table: exp2Table(),
      sampled: new Uint32Array(2 * count),
    },
    rows: count,
    expected: () => {
      const after = { slots: slots.slice(), counts: counts.slice(), sampled: new Uint32Array(2 * count) };
      outputs.forEach((output, o) => {
        const sampler = samplerOf(output);
        const token = sampleReference(output.logits, sampler, positionOf(o));
        const slot = SLOT_WORDS * slotOf(o);
        after.slots[slot + SLOT.token] = token;
        after.slots[slot + SLOT.position] = positionOf(o) + 1;
        after.sampled.set([token, 50 + o], 2 * o);
        if (sampler.settings.counts) after.counts[vocab * slotOf(o) + token]!++;
      });
      return after;
    },
    tolerance: 0,
  });
}

/** The twin in the state after the reply so far. */
export function samplerOf({ settings, prompt = [], reply = [] }: SampleCase): Sampler {
  const sampler = createSampler({ sampler: settings, history: prompt });
  if (sampler.settings.counts) for (const token of reply) sampler.seen.set(token, (sampler.seen.get(token) ?? 0) + 1);
  return sampler;
}

/** Settings drawn at random, each switched on or off on its own. */
export function randomSettings(next: () => number, vocab: number): SamplerSettings {
  const some = <T>(chance: number, on: T, off: T) => (next() < chance ? on : off);
  return {
    temperature: some(0.85, 0.05 + 2 * next() ** 2, 0),
    topK: some(0.4, 1 + Math.floor(next() * Math.min(60, vocab + 5)), 0),
    topP: some(0.4, 0.05 + 0.95 * next(), 1),
    minP: some(0.3, 0.3 * next(), 0),
    repetitionPenalty: some(0.3, 0.5 + 1.5 * next(), 1),
    frequencyPenalty: some(0.3, 4 * next() - 2, 0),
    presencePenalty: some(0.3, 4 * next() - 2, 0),
    logitBias: new Map(
      some(
        0.3,
        Array.from({ length: 8 }, () => [Math.floor(next() * vocab), 20 * next() - 10] as const),
        [],
      ),
    ),
    seed: BigInt(Math.floor(next() * 2 ** 32)) * 0x1_0000_0001n,
  };
}

/** Random settings, history and logits for one output. */
export function randomOutput(seed: number, vocab: number): SampleCase {
  const next = random(seed);
  const token = () => Math.floor(next() * vocab);
  return {
    settings: randomSettings(next, vocab),
    prompt: Array.from({ length: 12 }, token),
    reply: Array.from({ length: 12 }, token),
    logits: noise(vocab, seed + 1, 1 + 12 * next()),
  };
}

const VOCAB = 307; // prime: no multiple of any team
const at = (settings: Partial<SamplerSettings>, output: Partial<SampleCase> = {}): SampleCase => ({
  settings: { ...GREEDY, seed: 0x1234_5678_9abc_def0n, ...settings },
  logits: noise(VOCAB, 3, 6),
  ...output,
});
const with_ = (values: readonly (readonly [number, number])[]) => {
  const logits = noise(VOCAB, 4, 3);
  for (const [id, value] of values) logits[id] = value;
  return logits;
};
const ALL_EQUAL = new Float32Array(VOCAB).fill(1.5);

export const cases: readonly KernelCase[] = [
  sampling("greedy: ties go to the lowest id, NaN and -0 are not above 0", [
    at({}),
    at({}, { logits: ALL_EQUAL }),
    at(
      {},
      {
        logits: with_([
          [9, 40],
          [200, 40],
          [306, 40],
        ]),
      },
    ),
    at(
      {},
      {
        logits: with_([
          [5, Number.NaN],
          [300, Number.POSITIVE_INFINITY],
          [301, Number.POSITIVE_INFINITY],
        ]),
      },
    ),
    at({}, { logits: new Float32Array(VOCAB).fill(Number.NaN) }),
    at({}, { logits: new Float32Array(VOCAB).map((_, id) => (id === 0 ? -0 : 0)) }),
    at({}, { logits: noise(VOCAB, 5, 1e-30) }),
    at(
      {},
      {
        logits: with_([
          [17, 30],
          [18, 30.000002],
        ]),
      },
    ),
    at(
      {},
      {
        logits: with_([
          [17, 20_000],
          [18, 30_000],
        ]),
      },
    ),
    at({}, { logits: noise(VOCAB, 5, 3).map((value) => value - 1e4) }),
  ]),
  sampling("greedy with penalties and biases: raw logits decide ties", [
    at({ repetitionPenalty: 1.3 }, { prompt: [...Array(VOCAB).keys()] }),
    at({ presencePenalty: 2 }, { reply: [4, 4, 4, 9] }),
    at({ frequencyPenalty: -2 }, { reply: [4, 4, 4, 4, 4, 4, 9] }),
    at({
      logitBias: new Map([
        [VOCAB - 1, 100],
        [VOCAB + 5, 100],
      ]),
    }),
    at({ logitBias: new Map([[0, -100]]) }, { logits: with_([[0, 50]]) }),
    at(
      { logitBias: new Map([[3, 0]]) },
      {
        logits: with_([
          [17, 30],
          [18, 30.000002],
        ]),
      },
    ),
    at({ logitBias: new Map(Array.from({ length: MAX_BIASES }, (_, id) => [id, id / 3])) }),
    at(
      { repetitionPenalty: 100 },
      {
        prompt: [7, 8],
        logits: with_([
          [7, -9000],
          [8, 9000],
        ]),
      },
    ),
    at(
      { repetitionPenalty: 0.01 },
      {
        prompt: [7, 8],
        logits: with_([
          [7, -9000],
          [8, 9000],
        ]),
      },
    ),
    at({ frequencyPenalty: 2 }, { reply: Array<number>(5000).fill(6), logits: with_([[6, 9000]]) }),
  ]),
  sampling("temperatures from the lowest to the highest", [
    ...[0.01, 0.1, 0.7, 1, 1.5, 5, 100].map((temperature) => at({ temperature })),
    at({ temperature: 1 }, { logits: ALL_EQUAL }),
    at(
      { temperature: 100 },
      {
        logits: with_([
          [3, 1e30],
          [4, Number.NEGATIVE_INFINITY],
          [5, Number.NaN],
        ]),
      },
    ),
    at({ temperature: 0.01 }, { logits: with_([[3, -1e30]]) }),
  ]),
  sampling("top-k: one, ties at the edge, as many as tokens, more", [
    ...[1, 2, 40, VOCAB - 1, VOCAB, VOCAB + 1, 2 ** 32].map((topK) => at({ temperature: 2, topK })),
    at({ temperature: 1, topK: 5 }, { logits: ALL_EQUAL }),
    at(
      { temperature: 1, topK: 3 },
      {
        logits: with_([
          [1, 9],
          [2, 8],
          [3, 7],
          [4, 7],
          [5, 7],
        ]),
      },
    ),
    at({ temperature: 0.01, topK: 200 }),
  ]),
  sampling("top-p: next to nothing, half, nearly all, on top of top-k", [
    ...[1e-9, 0.1, 0.5, 0.9, 0.999999, 1].map((topP) => at({ temperature: 3, topP })),
    at({ temperature: 3, topP: 0.5, topK: 10 }),
    at({ temperature: 1, topP: 0.5 }, { logits: ALL_EQUAL }),
    at({ temperature: 1, topP: 0.5 }, { logits: with_([[306, 60]]) }),
  ]),
  sampling("min-p: all, some, only the largest", [
    ...[1e-12, 0.05, 0.5, 1].map((minP) => at({ temperature: 3, minP })),
    at({ temperature: 1, minP: 1 }, { logits: ALL_EQUAL }),
    at({ temperature: 3, minP: 0.1, topP: 0.8, topK: 20 }),
  ]),
  sampling("seeds of 64 bits", [...[0n, 1n, 1n << 32n, 2n ** 64n - 1n].map((seed) => at({ temperature: 5, seed }))]),
  // With several settings at once, for the self-test on a user's device: one output, and not the least there is.
  sampling("one output with everything on", [
    at(
      {
        temperature: 1.3,
        topK: 150,
        topP: 0.9,
        minP: 0.01,
        repetitionPenalty: 1.2,
        frequencyPenalty: 0.3,
        presencePenalty: 0.2,
        logitBias: new Map([
          [5, 4],
          [300, -3],
        ]),
      },
      { prompt: [1, 2, 3, 200], reply: [7, 7, 306] },
    ),
  ]),
  sampling(
    "vocabulary of one",
    [0, 1].map((temperature) => at({ temperature, topK: 1, topP: 0.3 }, { logits: Float32Array.of(-3) })),
  ),
  sampling("vocabulary of 8,191: three levels of the draw", [randomOutput(1, 8191), randomOutput(2, 8191)]),
  sampling("many vectors per lane: few tokens can be drawn, and are listed", peaked()),
  sampling("many vectors per lane: too many tokens to list", flat()),
  sampling("thousands of tokens at the very edge of what is listed", edges()),
  noneWanted(),
];

/** No multiple of four, of any team, or of what a team reads at once; several vectors for each of 1,024 lanes. */
function many(): number {
  return 20_011;
}

/** Logits of which about one in a hundred is within ten of the largest. */
function tailed(seed: number): Float32Array {
  return noise(many(), seed, 1).map((value) => 25 * Math.sign(value) * value ** 2 * (0.6 + 0.4 * value));
}

function peaked(): SampleCase[] {
  const from = (settings: Partial<SamplerSettings>, output: Partial<SampleCase> = {}) =>
    at(settings, { logits: tailed(11), ...output });
  const lowest = tailed(11).indexOf(Math.min(...tailed(11)));
  const highest = tailed(11).indexOf(Math.max(...tailed(11)));
  return [
    from({}),
    from({ temperature: 0.7, topP: 0.9 }),
    from({ temperature: 0.7, topP: 0.9, minP: 0.2, topK: 40 }),
    from({ temperature: 0.3 }),
    from({ temperature: 0.01 }),
    from({ temperature: 0.05, topK: 5000 }), // more than can be drawn
    from({ temperature: 100, topK: 3 }),
    from({ temperature: 2, minP: 0.5 }),
    from({ temperature: 0.5, minP: 0.3, topP: 0.99 }), // top-p's total counts what min-p cuts
    from({ temperature: 1, topK: 1024 }),
    // A dead token comes to the top, the top one dies.
    from({
      temperature: 0.2,
      logitBias: new Map([
        [lowest, 100],
        [highest, -100],
      ]),
    }),
    from({
      temperature: 0.2,
      topK: 1,
      logitBias: new Map([
        [lowest, 60],
        [many() - 1, 60],
        [0, 60.5],
      ]),
    }),
    from({ temperature: 0.2, frequencyPenalty: -2 }, { reply: Array<number>(40).fill(lowest) }),
    from({ temperature: 0.4, repetitionPenalty: 0.02 }, { prompt: [4, 5, 6, many() - 1] }),
    from({ presencePenalty: -2, frequencyPenalty: -2 }, { reply: [...Array<number>(40).fill(lowest), 3] }),
    from({
      logitBias: new Map([
        [lowest, 100],
        [lowest + 1, -100],
      ]),
    }),
  ];
}

/** One token above thousands that weigh more together: the last ones that min-p or top-k keep, and the first beyond. */
function edges(): SampleCase[] {
  const minP = { temperature: 0.8, minP: 0.5 };
  const { dropFactor, dropShift, maxDrop } = fixedSettings({ ...GREEDY, ...minP });
  const last = Math.floor(((maxDrop + 1) * 2 ** dropShift - 1) / dropFactor);
  const below = (distance: number) =>
    new Float32Array(many()).map((_, id) => (id === 777 ? 10 : id % 3 === 0 ? 10 - distance * 2 ** -SCORE_BITS : -20));
  return [
    at(minP, { logits: below(last) }),
    at(minP, { logits: below(last + 1) }),
    at({ temperature: 0.8, topK: 5 }, { logits: below(last) }),
    at({ temperature: 0.8, topK: 1 }, { logits: below(last) }),
    at({ temperature: 0.8, topK: 5, topP: 0.9 }, { logits: below(100 * last) }),
  ];
}

function flat(): SampleCase[] {
  const equal = new Float32Array(many()).fill(-2.5);
  const wide = noise(many(), 12, 6);
  return [
    at({ temperature: 1 }, { logits: equal }),
    at({ temperature: 1, topP: 0.5 }, { logits: equal }),
    at({ temperature: 1, topK: 7 }, { logits: equal }),
    at({ temperature: 1, minP: 1, topK: 30_000, topP: 0.01 }, { logits: equal }),
    at({ temperature: 1 }, { logits: equal.map(() => Number.NaN) }),
    at({}, { logits: equal }),
    at({ temperature: 2 }, { logits: wide }),
    at({ temperature: 2, seed: 77n }, { logits: wide }),
    at({ temperature: 100 }, { logits: wide }),
    at({ temperature: 1, topP: 0.95 }, { logits: wide }), // listed once the first bits of the threshold are known
    at({ temperature: 1, topP: 0.999999 }, { logits: wide }),
    at({ temperature: 1, topK: 1500 }, { logits: wide }), // more than lanes
    at({ temperature: 3, topK: 15_000, topP: 0.9, minP: 0.001 }, { logits: wide }),
    at({ temperature: 5, minP: 0.1 }, { logits: wide }),
    at({ temperature: 1.5, repetitionPenalty: 1.3 }, { logits: wide, prompt: [...Array(many()).keys()] }),
    at(
      {
        temperature: 1.5,
        logitBias: new Map([
          [many() - 1, 8],
          [17, -100],
        ]),
      },
      { logits: wide },
    ),
  ];
}

/** Outputs that want no token leave their slots and results alone. */
function noneWanted(): KernelCase {
  const c = sampling("an output that wants logits leaves its slot alone", [at({}), at({}), at({})]);
  const batch = (c.buffers.batch as Uint32Array).slice();
  const word = batch.length - 15; // output 1 of 16
  batch[word] = (batch[word]! | OUTPUT_NO_SAMPLE) >>> 0;
  return {
    ...c,
    buffers: { ...c.buffers, batch },
    expected: () => {
      const { slots, sampled } = c.expected({}) as { slots: Uint32Array; sampled: Uint32Array };
      const before = c.buffers.slots as Uint32Array;
      slots.set(before.subarray(SLOT_WORDS, 2 * SLOT_WORDS), SLOT_WORDS);
      sampled.fill(0, 2, 4);
      return { slots, sampled };
    },
  };
}
