import { OUTPUT_NO_SAMPLE, SLOT, SLOT_WORDS } from "../common/batch";
import { type BatchRow, batchUniform, type KernelCase, kernelCase, noise, random } from "../testing";
import { exp2Table } from "./fixed";
import { createSampler, type Sampler, sampleReference } from "./reference";
import { sample } from "./sample";
import { GREEDY, type SamplerSettings } from "./settings";
import { encodeBiases, encodeCounts, encodeSlot, MAX_BIASES } from "./slot";

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
  const stride = vocab + 3;
  const count = outputs.length;
  const slotOf = (output: number) => count - 1 - output;
  const positionOf = (output: number) => 100 * output + 7;

  const slots = new Uint32Array(SLOT_WORDS * count);
  const biases = new Uint32Array(2 * MAX_BIASES * count);
  const counts = new Uint32Array(vocab * count);
  const logits = new Float32Array(stride * count).fill(1e9); // between the rows: larger than any
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
      scores: { words: vocab * count },
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
  sampling("vocabulary of one", [at({ temperature: 1, topK: 1, topP: 0.3 }, { logits: Float32Array.of(-3) })]),
  sampling("vocabulary of 8,191: three levels of the draw", [randomOutput(1, 8191), randomOutput(2, 8191)]),
  noneWanted(),
];

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
      const { slots, sampled } = c.expected() as { slots: Uint32Array; sampled: Uint32Array };
      const before = c.buffers.slots as Uint32Array;
      slots.set(before.subarray(SLOT_WORDS, 2 * SLOT_WORDS), SLOT_WORDS);
      sampled.fill(0, 2, 4);
      return { slots, sampled };
    },
  };
}
