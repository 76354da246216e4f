// The sampler's memory on the GPU: the words of a slot, its list of biases, its counts of tokens.

import { SLOT, SLOT_WORDS } from "../common/batch";
import { fixedSettings, MAX_BIASES, seenTokens } from "./fixed";
import type { SamplerSettings } from "./settings";

export { checkSampler, exp2Table, MAX_BIASES, usesCounts } from "./fixed";

/** Lanes that the sampler gives an output at most. */
export const MAX_LANES = 1024;

/**
 * Words of the buffer `scores` per output: a row of scores, and lists for a quarter of the vocabulary, an id and a score
 * per token, rounded up for each lane. As much as `scratch_vectors` of state.wgsl for any number of lanes, or more.
 */
export function scratchWords(vocab: number): number {
  return 4 * Math.floor((vocab + 6) / 4) + 8 * Math.ceil(vocab / 16) + 8 * MAX_LANES;
}

/** Word offsets in a slot, after those of common/batch.ts. sample/state.wgsl says the same. */
export const SAMPLER_WORD = {
  mode: 4,
  keyLow: 5,
  keyHigh: 6,
  repetitionDivide: 7,
  repetitionMultiply: 8,
  frequency: 9,
  presence: 10,
  biases: 11,
  dropFactor: 12,
  dropShift: 13,
  topK: 14,
  topP: 15,
  maxDrop: 16,
} as const;

/** Bits of the word `mode`. */
export const MODE = { greedy: 1, counts: 2 } as const;

/**
 * The words of a slot for a sequence that enters it. Its token and position are 0 until the first token is sampled.
 *
 * @param state.sampler Valid settings (`checkSampler`).
 */
export function encodeSlot(state: { readonly generation: number; readonly sampler: SamplerSettings }) {
  const fixed = fixedSettings(state.sampler);
  const words = new Uint32Array(SLOT_WORDS);
  words[SLOT.generation] = state.generation;
  words[SAMPLER_WORD.mode] = (fixed.greedy ? MODE.greedy : 0) | (fixed.counts ? MODE.counts : 0);
  words[SAMPLER_WORD.keyLow] = fixed.keyLow;
  words[SAMPLER_WORD.keyHigh] = fixed.keyHigh;
  words[SAMPLER_WORD.repetitionDivide] = fixed.repetitionDivide;
  words[SAMPLER_WORD.repetitionMultiply] = fixed.repetitionMultiply;
  words[SAMPLER_WORD.frequency] = fixed.frequency;
  words[SAMPLER_WORD.presence] = fixed.presence;
  words[SAMPLER_WORD.biases] = fixed.biases.length;
  words[SAMPLER_WORD.dropFactor] = fixed.dropFactor;
  words[SAMPLER_WORD.dropShift] = fixed.dropShift;
  words[SAMPLER_WORD.topK] = fixed.topK;
  words[SAMPLER_WORD.topP] = fixed.topP;
  words[SAMPLER_WORD.maxDrop] = fixed.maxDrop;
  return words;
}

/** A slot's part of the buffer `biases`: `[MAX_BIASES]` (id, bias); the slot says how many are used. */
export function encodeBiases(settings: SamplerSettings) {
  const words = new Uint32Array(2 * MAX_BIASES);
  fixedSettings(settings).biases.forEach(([id, bias], entry) => {
    words[2 * entry] = id;
    words[2 * entry + 1] = bias;
  });
  return words;
}

/** A slot's part of the buffer `counts`, `[vocab]`: which tokens its prompt has, and how often its reply so far. */
export function encodeCounts(
  state: { readonly history: readonly number[]; readonly reply?: readonly number[] },
  vocab: number,
) {
  const words = new Uint32Array(vocab);
  for (const [token, word] of seenTokens(state)) words[token] = word;
  return words;
}
