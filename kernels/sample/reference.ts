// The sampler on the CPU, bit for bit what sample.wgsl computes: the same integers, in doubles where they stay below
// 2^53. Used by the backends that sample on the CPU, and as the reference of the GPU kernel.

import { philox } from "../philox/philox";
import {
  COUNT_MASK,
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
  WEIGHT_BITS,
  WEIGHTLESS_OCTAVE,
} from "./fixed";
import type { SamplerSettings } from "./settings";

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
}): Sampler {
  const settings = fixedSettings(state.sampler);
  return { settings, seen: new Map(settings.counts ? state.history.map((token) => [token, IN_PROMPT]) : []) };
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
  const token = settings.greedy ? largestOf(scores, logits) : drawn(scores, settings, position + 1);
  if (settings.counts) {
    const word = seen.get(token) ?? 0;
    if ((word & COUNT_MASK) < COUNT_MASK) seen.set(token, word + 1);
  }
  return token;
}

/** Logits in units of 2^-18 after penalties and biases. */
function scoresOf(logits: Float32Array, settings: FixedSettings, seen: ReadonlyMap<number, number>): Int32Array {
  const scores = new Int32Array(logits.length);
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    scores[id] = Number.isNaN(logit)
      ? -SCORE_MAX
      : Math.trunc(Math.min(Math.max(logit, -LOGIT_LIMIT), LOGIT_LIMIT) * 2 ** SCORE_BITS);
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

function drawn(scores: Int32Array, settings: FixedSettings, position: number): number {
  const drops = dropsOf(scores, settings);
  let limit = SATURATED - 1;
  if (settings.topK !== 0) limit = topKDrop(drops, limit, settings.topK);
  if (settings.topP < 2 ** WEIGHT_BITS) limit = topPDrop(drops, limit, settings.topP);
  limit = Math.min(limit, settings.maxDrop);

  let total = 0; // below 2^43
  for (const drop of drops) if (drop <= limit) total += weightOf(drop);
  const [low, high] = philox([position, 0, 0, 0], [settings.keyLow, settings.keyHigh]);
  let rest = Number((((BigInt(high) << 32n) | BigInt(low)) * BigInt(total)) >> 64n);
  for (let id = 0; id < drops.length; id++) {
    if (drops[id]! > limit) continue;
    rest -= weightOf(drops[id]!);
    if (rest < 0) return id;
  }
  throw new Error("sampler: the draw is beyond the total"); // impossible: rest < total
}

function dropsOf(scores: Int32Array, { dropFactor, dropShift }: FixedSettings): Uint32Array {
  let largest = -SCORE_MAX;
  for (const score of scores) if (score > largest) largest = score;
  // Beyond 2^53 the product is rounded here, but then the drop is saturated in any case: the shift is at most 29.
  return Uint32Array.from(scores, (score) =>
    Math.min(SATURATED, Math.floor(((largest - score) * dropFactor) / 2 ** dropShift)),
  );
}

/** The smallest drop up to which there are k tokens; `limit` where there are fewer. */
function topKDrop(drops: Uint32Array, limit: number, k: number): number {
  const sorted = drops.filter((drop) => drop <= limit).sort();
  return sorted[k - 1] ?? limit;
}

/** The smallest drop up to which the tokens have the share p (in units of 2^-24) of the mass of all up to `limit`. */
function topPDrop(drops: Uint32Array, limit: number, p: number): number {
  const sorted = drops.filter((drop) => drop <= limit).sort();
  let total = 0;
  for (const drop of sorted) total += weightOf(drop);
  const target = Number((BigInt(total) * BigInt(p) + 0xff_ffffn) >> 24n);
  let mass = 0;
  for (const drop of sorted) if ((mass += weightOf(drop)) >= target) return drop;
  return limit;
}

/** 2^-drop in units of 2^-24. */
function weightOf(drop: number): number {
  const table = exp2Table();
  const octave = drop >>> DROP_BITS;
  if (octave >= WEIGHTLESS_OCTAVE) return 0;
  const step = (drop >>> 7) & 0xfff;
  const here = table[step]!;
  const fraction = here - (((here - table[step + 1]!) * (drop & 127) + 64) >>> 7);
  // Up to 2^31 + 2^30: above the signed range, inside the unsigned one.
  return (fraction + 2 ** (6 + octave)) >>> (7 + octave);
}
