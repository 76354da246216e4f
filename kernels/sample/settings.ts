// What a person may ask of the sampler. The order of application is: repetition, frequency and presence penalties,
// logit bias, temperature, top-k, top-p, min-p, then one draw.

export interface SamplerSettings {
  /** 0 is greedy: the largest logit, ties to the lowest id. Otherwise in [0.01, 100]. */
  readonly temperature: number;
  /** Keep the k largest (ties at the edge are kept); 0 keeps all. */
  readonly topK: number;
  /** Keep the smallest set of largest probabilities whose sum reaches this, in (0, 1]; 1 keeps all. */
  readonly topP: number;
  /** Keep probabilities of at least this share of the largest, in [0, 1]; 0 keeps all. */
  readonly minP: number;
  /** Positive logits of tokens seen (prompt or reply) are divided by it, negative ones multiplied; 1 is off. */
  readonly repetitionPenalty: number;
  /** Subtracted once per occurrence in the reply, [-2, 2]; 0 is off. */
  readonly frequencyPenalty: number;
  /** Subtracted if the token occurs in the reply, [-2, 2]; 0 is off. */
  readonly presencePenalty: number;
  /** Added to the logits of these ids, each in [-100, 100]; at most 300 entries. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** 64-bit random key; equal seed, settings and logits give equal tokens on every backend. */
  readonly seed: bigint;
}

export const GREEDY: SamplerSettings = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: new Map(),
  seed: 0n,
};
