// The sampler on the CPU, bit for bit what sample.wgsl computes: the same integers, in doubles where they stay below
// 2^53. Used by the backends that sample on the CPU, and as the reference of the GPU kernel.

import { philox } from "../philox/philox";
import {
  COUNT_MASK,
  countToken,
  DROP_BITS,
  exp2Table,
  type FixedSettings,
  fixedSettings,
  IN_PROMPT,
  LOGIT_LIMIT,
  MAX_PENALIZED_COUNT,
  SATURATED,
  SCORE_BITS,
  SCORE_MAX,
  seenTokens,
  WEIGHT_BITS,
  WEIGHTLESS_OCTAVE,
} from "./fixed";
import type { SamplerSettings } from "./settings";

const table = exp2Table();

/** A sequence's sampler: its settings and the tokens that it has seen. */
export interface Sampler {
  readonly settings: FixedSettings;
  /** By token, when penalties need them: {@link IN_PROMPT}, and occurrences in the reply. Changed by sampling. */
  readonly seen: Map<number, number>;
}

/** @param state As a slot is opened with; settings are valid (`checkSampler`). */
export function createSampler(state: {
  readonly sampler: SamplerSettings;
  readonly history: readonly number[];
  readonly reply?: readonly number[];
}): Sampler {
  const settings = fixedSettings(state.sampler);
  return { settings, seen: settings.counts ? seenTokens(state) : new Map() };
}

/**
 * Samples a token and counts it.
 *
 * @param logits   `[vocab]`
 * @param position Of the row that the logits were made from; the token sampled comes after it.
 */
export function sampleReference(logits: Float32Array, sampler: Sampler, position: number): number {
  const { settings, seen } = sampler;
  const scores = scoresOf(logits, settings, seen);
  const token = settings.greedy
    ? largestOf(scores, logits)
    : drawn(weightsOf(scores, settings), settings, position + 1);
  if (settings.counts) countToken(seen, token);
  return token;
}

/**
 * The distribution that {@link sampleReference} draws from: probabilities relative to the largest, in units of 2^-24,
 * 0 where a token is cut off.
 *
 * @param logits `[vocab]`
 * @returns      `[vocab]`
 */
export function sampleWeights(logits: Float32Array, { settings, seen }: Sampler): Uint32Array {
  return weightsOf(scoresOf(logits, settings, seen), settings);
}

/** Logits in units of 2^-18 after penalties and biases. */
function scoresOf(logits: Float32Array, settings: FixedSettings, seen: ReadonlyMap<number, number>): Int32Array {
  const scores = new Int32Array(logits.length); // truncates what is assigned
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    scores[id] = logit > -LOGIT_LIMIT ? Math.min(logit, LOGIT_LIMIT) * 2 ** SCORE_BITS : -SCORE_MAX; // NaN: lowest
  }
  for (const [id, word] of seen) if (id < scores.length) scores[id] = penalized(scores[id]!, word, settings);
  for (const [id, bias] of settings.biases) if (id < scores.length) scores[id] = clampScore(scores[id]! + bias);
  return scores;
}

function penalized(score: number, word: number, settings: FixedSettings): number {
  const factor = score < 0 ? settings.repetitionMultiply : settings.repetitionDivide;
  // A product beyond 2^53 is rounded here, but it is beyond the clamp in any case.
  const size = Math.min(SCORE_MAX, Math.floor((Math.abs(score) * factor) / 2 ** 16));
  const occurrences = word & COUNT_MASK;
  const penalty =
    settings.frequency * Math.min(occurrences, MAX_PENALIZED_COUNT) + (occurrences > 0 ? settings.presence : 0);
  return clampScore((score < 0 ? -size : size) - penalty);
}

function clampScore(score: number): number {
  return Math.min(Math.max(score, -SCORE_MAX), SCORE_MAX);
}

/** The largest score; among equals the largest raw logit (NaN below all), then the lowest id. */
function largestOf(scores: Int32Array, logits: Float32Array): number {
  const raw = (id: number) => (Number.isNaN(logits[id]!) ? Number.NEGATIVE_INFINITY : logits[id]!);
  let best = 0;
  for (let id = 1; id < scores.length; id++) {
    if (scores[id]! < scores[best]!) continue;
    if (scores[id]! > scores[best]! || raw(id) > raw(best) || (raw(id) === raw(best) && isBelow(logits, best, id)))
      best = id;
  }
  return best;
}

/** NaN comes below −Inf. */
function isBelow(logits: Float32Array, a: number, b: number): boolean {
  return Number.isNaN(logits[a]!) && !Number.isNaN(logits[b]!);
}

/** The id at which the running sum of the weights goes beyond a random share of their total. */
function drawn(weights: Uint32Array, { keyLow, keyHigh }: FixedSettings, position: number): number {
  let total = 0; // below 2^45
  for (let id = 0; id < weights.length; id++) total += weights[id]!;
  const [low, high] = philox([position, 0, 0, 0], [keyLow, keyHigh]);
  let rest = Number((((BigInt(high) << 32n) | BigInt(low)) * BigInt(total)) >> 64n);
  let id = 0;
  while (rest >= weights[id]!) rest -= weights[id++]!;
  return id;
}

/** Scores to weights, those beyond the thresholds of top-k, top-p and min-p to 0. */
function weightsOf(scores: Int32Array, settings: FixedSettings): Uint32Array {
  const drops = dropsOf(scores, settings);
  let limit = SATURATED - 1;
  if (settings.topK !== 0)
    limit = selectDrop(
      drops,
      limit,
      () => 1,
      () => settings.topK,
    );
  if (settings.topP < 2 ** WEIGHT_BITS) {
    const share = (total: number) => Number((BigInt(total) * BigInt(settings.topP) + 0xff_ffffn) >> 24n);
    limit = selectDrop(drops, limit, weightOf, share);
  }
  limit = Math.min(limit, settings.maxDrop);
  const weights = new Uint32Array(drops.length);
  for (let id = 0; id < drops.length; id++) {
    const drop = drops[id]!;
    if (drop <= limit) weights[id] = weightOf(drop);
  }
  return weights;
}

function dropsOf(scores: Int32Array, { dropFactor, dropShift }: FixedSettings): Uint32Array {
  let largest = -SCORE_MAX;
  for (let id = 0; id < scores.length; id++) largest = Math.max(largest, scores[id]!);
  const unit = 2 ** -dropShift;
  const drops = new Uint32Array(scores.length);
  for (let id = 0; id < scores.length; id++) {
    // Beyond 2^53 the product is rounded here, but then the drop is saturated in any case: the shift is at most 29.
    const drop = (largest - scores[id]!) * dropFactor * unit;
    drops[id] = Math.min(drop, SATURATED);
  }
  return drops;
}

/**
 * The smallest drop up to which the tokens up to `limit` have the mass `goal`, which may depend on their total; `limit`
 * where they have less. By the upper 12 bits of the drops, then by the lower.
 */
function selectDrop(
  drops: Uint32Array,
  limit: number,
  massOf: (drop: number) => number,
  goal: (total: number) => number,
): number {
  const upper = new Float64Array(4096);
  let total = 0;
  for (let id = 0; id < drops.length; id++) {
    const drop = drops[id]!;
    if (drop > limit) continue;
    const mass = massOf(drop);
    upper[drop >>> 12]! += mass;
    total += mass;
  }
  let rest = goal(total);
  if (rest > total) return limit;
  let high = 0;
  while (rest > upper[high]!) rest -= upper[high++]!;

  const lower = new Float64Array(4096);
  for (let id = 0; id < drops.length; id++) {
    const drop = drops[id]!;
    if (drop <= limit && drop >>> 12 === high) lower[drop & 0xfff]! += massOf(drop);
  }
  let low = 0;
  while (rest > lower[low]!) rest -= lower[low++]!;
  return high * 4096 + low;
}

/** 2^-drop in units of 2^-24. */
function weightOf(drop: number): number {
  const octave = drop >>> DROP_BITS;
  if (octave >= WEIGHTLESS_OCTAVE) return 0;
  const step = (drop >>> 7) & 0xfff;
  const here = table[step]!;
  const fraction = here - (((here - table[step + 1]!) * (drop & 127) + 64) >>> 7);
  // Up to 2^31 + 2^30: above the signed range, inside the unsigned one.
  return (fraction + (1 << (6 + octave))) >>> (7 + octave);
}
