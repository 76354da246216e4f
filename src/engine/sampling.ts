// From what a caller asks of the sampler, and what the model's file recommends, to settings of the backend.

import { GREEDY, type SamplerSettings } from "../../kernels/sample/settings";
import { checkInteger, checkNumber, invalid } from "../check";
import type { MetadataValue } from "../files/weights_file";

/** What is absent comes from the model's file where it recommends something, else from {@link PLAIN_SAMPLING}. */
export interface SamplingOptions {
  /** 0 is greedy; otherwise up to 100. Values below 0.01 count as 0.01. */
  readonly temperature?: number;
  /** Keep the k most likely tokens; 0 keeps all. */
  readonly topK?: number;
  /** In (0, 1]; 1 keeps all. */
  readonly topP?: number;
  /** In [0, 1]; 0 keeps all. */
  readonly minP?: number;
  /** In [0.01, 100]; 1 is off. */
  readonly repetitionPenalty?: number;
  /** In [-2, 2]; 0 is off. */
  readonly frequencyPenalty?: number;
  /** In [-2, 2]; 0 is off. */
  readonly presencePenalty?: number;
  /** Token id → bias in [-100, 100]; at most 300. */
  readonly logitBias?: Readonly<Record<string, number>>;
  /** A whole number of up to 64 bits. Random when absent. */
  readonly seed?: number | bigint;
}

export type SamplingDefaults = Omit<SamplingOptions, "logitBias" | "seed">;

/** OpenAI's defaults: the model's own distribution. */
export const PLAIN_SAMPLING = {
  temperature: 1,
  topK: GREEDY.topK,
  topP: GREEDY.topP,
  minP: GREEDY.minP,
  repetitionPenalty: GREEDY.repetitionPenalty,
  frequencyPenalty: GREEDY.frequencyPenalty,
  presencePenalty: GREEDY.presencePenalty,
} as const;

/** As `SamplerSettings.logitBias` allows. */
const MOST_BIASES = 300;
const LEAST_TEMPERATURE = 0.01;

/**
 * @param names How the caller spells a field, for messages.
 * @throws FennecError `invalid-argument` naming the field, what came and what is allowed.
 */
export function samplerSettings(
  options: SamplingOptions,
  defaults: SamplingDefaults,
  vocab: number,
  names: (field: keyof SamplingOptions) => string = (field) => field,
): SamplerSettings {
  const pick = (field: keyof typeof PLAIN_SAMPLING, min: number, max: number) =>
    checkNumber(names(field), options[field] ?? defaults[field] ?? PLAIN_SAMPLING[field], min, max);
  const topP = pick("topP", 0, 1);
  if (topP === 0) throw invalid(names("topP"), topP, "a number above 0, up to 1");
  const temperature = pick("temperature", 0, 100);
  return {
    temperature: temperature === 0 ? 0 : Math.max(temperature, LEAST_TEMPERATURE),
    topK: checkInteger(names("topK"), options.topK ?? defaults.topK ?? PLAIN_SAMPLING.topK, 0),
    topP,
    minP: pick("minP", 0, 1),
    repetitionPenalty: pick("repetitionPenalty", 0.01, 100),
    frequencyPenalty: pick("frequencyPenalty", -2, 2),
    presencePenalty: pick("presencePenalty", -2, 2),
    logitBias: biases(options.logitBias ?? {}, names("logitBias"), vocab),
    seed: seedOf(options.seed, names("seed")),
  };
}

/**
 * Settings of reply `index` to one prompt: as alone for the first, other draws for the others, which no neighbouring
 * seed repeats.
 */
export function settingsOfChoice(settings: SamplerSettings, index: number): SamplerSettings {
  return index === 0 ? settings : { ...settings, seed: mixed(settings.seed, BigInt(index)) };
}

/** Output `index` of the SplitMix64 generator that starts at `seed` (Steele, Lea and Flood, OOPSLA 2014). */
function mixed(seed: bigint, index: bigint): bigint {
  let z = BigInt.asUintN(64, seed + index * 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/**
 * What a GGUF file recommends (`general.sampling.*`). Values out of range are left out: a recommendation must not keep
 * a model from running. Source of the keys: llama.cpp `llama-arch.cpp`, LLM_KV and model meta keys of sampling.
 */
export function recommendedSampling(metadata: ReadonlyMap<string, MetadataValue>): SamplingDefaults {
  const read = (key: string, min: number, max: number) => {
    const value = metadata.get(`general.sampling.${key}`);
    return typeof value === "number" && value >= min && value <= max ? value : undefined;
  };
  const found = {
    temperature: read("temp", 0, 100),
    topK: read("top_k", 0, 1 << 24),
    topP: read("top_p", 1e-6, 1),
    minP: read("min_p", 0, 1),
    repetitionPenalty: read("penalty_repeat", 0.01, 100),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function biases(given: Readonly<Record<string, number>>, field: string, vocab: number): ReadonlyMap<number, number> {
  const entries = Object.entries(given);
  if (entries.length > MOST_BIASES) throw invalid(field, `${entries.length} entries`, `at most ${MOST_BIASES}`);
  return new Map(
    entries.map(([id, bias]) => {
      if (!/^\d+$/.test(id) || Number(id) >= vocab) throw invalid(field, id, `token ids from 0 to ${vocab - 1}`);
      return [Number(id), checkNumber(`${field}[${id}]`, bias, -100, 100)];
    }),
  );
}

function seedOf(seed: number | bigint | undefined, field: string): bigint {
  if (seed === undefined) return crypto.getRandomValues(new BigUint64Array(1))[0]!;
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) throw invalid(field, seed, "a whole number");
  return BigInt.asUintN(64, BigInt(seed));
}
