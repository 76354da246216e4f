// Sampler settings as the integers that the GPU sampler and its CPU twin compute with. Settings are rounded here, once,
// and nowhere else: from here on both sides do the same integer arithmetic and agree bit for bit.

import { FennecError } from "../../src/errors";
import type { SamplerSettings } from "./settings";

/** Fractional bits of logits, penalties and biases. */
export const SCORE_BITS = 18;
/** Logits are clamped to ± this. */
export const LOGIT_LIMIT = 8191;
export const SCORE_MAX = LOGIT_LIMIT * 2 ** SCORE_BITS;
/** Fractional bits of drops: distances below the largest logit over the temperature, in powers of two. */
export const DROP_BITS = 19;
/** A drop of this or more: probability 0. */
export const SATURATED = 2 ** 24 - 1;
/** Weights are probabilities relative to the largest, in units of 2^-24. Also the units of top-p. */
export const WEIGHT_BITS = 24;
/** Drops from here on round to weight 0. */
export const WEIGHTLESS_OCTAVE = WEIGHT_BITS + 1;
/** Steps of the table of powers of two. */
export const TABLE_BITS = 12;
export const MAX_BIASES = 300;
/** Occurrences beyond this count as this many, so that penalties stay below 2^31. */
export const MAX_PENALIZED_COUNT = 4000;
/** In a word of `counts`: the token is in the prompt. The low half counts its occurrences in the reply. */
export const IN_PROMPT = 0x8000_0000;
export const COUNT_MASK = 0xffff;

export interface FixedSettings {
  readonly greedy: boolean;
  /** Some penalty is on: the slot's counts are read and kept. */
  readonly counts: boolean;
  /** Factors of positive and of negative logits of tokens seen, in units of 2^-16. */
  readonly repetitionDivide: number;
  readonly repetitionMultiply: number;
  /** In units of 2^-18. */
  readonly frequency: number;
  readonly presence: number;
  /** drop = (largest - score) · dropFactor >> dropShift; the shift is in 15 ... 29. */
  readonly dropFactor: number;
  readonly dropShift: number;
  /** 0: off. */
  readonly topK: number;
  /** In units of 2^-24; 2^24: off. */
  readonly topP: number;
  /** Largest drop that min-p keeps. */
  readonly maxDrop: number;
  readonly keyLow: number;
  readonly keyHigh: number;
  /** (id, bias in units of 2^-18). */
  readonly biases: readonly (readonly [number, number])[];
}

export function fixedSettings(settings: SamplerSettings): FixedSettings {
  const { temperature, topK, topP, minP, repetitionPenalty, frequencyPenalty, presencePenalty, seed } = settings;
  const score = (value: number) => Math.round(value * 2 ** SCORE_BITS);
  return {
    greedy: temperature === 0,
    counts: usesCounts(settings),
    repetitionDivide: Math.round(2 ** 16 / repetitionPenalty),
    repetitionMultiply: Math.round(2 ** 16 * repetitionPenalty),
    frequency: score(frequencyPenalty),
    presence: score(presencePenalty),
    ...dropScale(temperature === 0 ? 1 : temperature),
    topK: Math.min(topK, 2 ** 31),
    topP: Math.max(1, Math.round(topP * 2 ** WEIGHT_BITS)),
    maxDrop: minP === 0 ? SATURATED - 1 : Math.min(SATURATED - 1, Math.floor(-Math.log2(minP) * 2 ** DROP_BITS)),
    keyLow: Number(BigInt.asUintN(32, seed)),
    keyHigh: Number(BigInt.asUintN(32, seed >> 32n)),
    biases: [...settings.logitBias].map(([id, bias]) => [id, score(bias)] as const),
  };
}

/** Do these settings need to know which tokens occurred? */
export function usesCounts(settings: SamplerSettings): boolean {
  return settings.repetitionPenalty !== 1 || settings.frequencyPenalty !== 0 || settings.presencePenalty !== 0;
}

/** 1 / (T ln 2) between the two fixed-point scales, as a 24-bit factor and a shift. */
function dropScale(temperature: number): { readonly dropFactor: number; readonly dropShift: number } {
  const factor = 2 ** (DROP_BITS - SCORE_BITS) / (temperature * Math.LN2);
  let dropShift = 23;
  while (factor * 2 ** dropShift >= 2 ** 24) dropShift--;
  while (factor * 2 ** dropShift < 2 ** 23) dropShift++;
  return { dropFactor: Math.round(factor * 2 ** dropShift), dropShift };
}

let table: Uint32Array<ArrayBuffer> | undefined;

/**
 * 2^(-k / 4096) in units of 2^-31, for k from 0 to 4096. Made of square roots and products only, which IEEE 754 rounds
 * in one way: equal on every engine.
 */
export function exp2Table(): Uint32Array<ArrayBuffer> {
  if (table) return table;
  const steps = 2 ** TABLE_BITS;
  // factors[bit] = 2^-(2^bit / 4096)
  const factors = [0.5];
  for (let bit = 0; bit < TABLE_BITS; bit++) factors.unshift(Math.sqrt(factors[0]!));
  const power = (k: number) =>
    factors.reduce((product, factor, bit) => ((k >> bit) & 1 ? product * factor : product), 1);
  table = Uint32Array.from({ length: steps + 1 }, (_, k) => Math.round(power(k) * 2 ** 31));
  return table;
}

/**
 * @throws FennecError `invalid-argument` naming the field, what came and what is allowed.
 */
export function checkSampler(settings: SamplerSettings): void {
  const { temperature, topK, topP, minP, repetitionPenalty, frequencyPenalty, presencePenalty } = settings;
  const within = (field: string, value: number, ok: boolean, allowed: string) => {
    if (!ok) throw new FennecError("invalid-argument", `sampler ${field}: got ${value}; allowed: ${allowed}.`);
  };
  const between = (value: number, low: number, high: number) => value >= low && value <= high;
  within("temperature", temperature, temperature === 0 || between(temperature, 0.01, 100), "0, or 0.01 to 100");
  within("topK", topK, Number.isInteger(topK) && topK >= 0, "whole numbers from 0 on");
  within("topP", topP, topP > 0 && topP <= 1, "above 0, up to 1");
  within("minP", minP, between(minP, 0, 1), "0 to 1");
  within("repetitionPenalty", repetitionPenalty, between(repetitionPenalty, 0.01, 100), "0.01 to 100");
  within("frequencyPenalty", frequencyPenalty, between(frequencyPenalty, -2, 2), "-2 to 2");
  within("presencePenalty", presencePenalty, between(presencePenalty, -2, 2), "-2 to 2");
  within("logitBias", settings.logitBias.size, settings.logitBias.size <= MAX_BIASES, `at most ${MAX_BIASES} entries`);
  for (const [id, bias] of settings.logitBias) {
    within("logitBias", id, Number.isInteger(id) && id >= 0, "token ids from 0 on");
    within(`logitBias[${id}]`, bias, between(bias, -100, 100), "-100 to 100");
  }
}

/**
 * What a sequence has seen when it enters a slot, by token: {@link IN_PROMPT}, and occurrences in the reply so far.
 *
 * @param state.history The prompt.
 * @param state.reply Tokens already sampled, when the sequence comes back to a slot.
 */
export function seenTokens(state: {
  readonly history: readonly number[];
  readonly reply?: readonly number[];
}): Map<number, number> {
  const seen = new Map(state.history.map((token) => [token, IN_PROMPT]));
  for (const token of state.reply ?? []) countToken(seen, token);
  return seen;
}

/** Counts one more occurrence in the reply. */
export function countToken(seen: Map<number, number>, token: number): void {
  const word = seen.get(token) ?? 0;
  if ((word & COUNT_MASK) < COUNT_MASK) seen.set(token, word + 1);
}
