// The least time that a step can take on a device: its bytes at the bandwidth of a plain kernel, its dispatches at the
// boundary of empty ones, its arithmetic at the rate of registers. A row's percent of floor is that over what it took.

import type { DeviceCosts } from "./floor";
import type { ModelCosts } from "./model_costs";

/** The larger of reading and copying: the floor is to be a floor. */
export function bandwidth(device: DeviceCosts): number {
  return Math.max(device.readBytesPerSecond, device.copyBytesPerSecond);
}

export interface Decode {
  /** Tokens in each sequence's context. */
  readonly context: number;
  /** Bytes of an element of keys and values. */
  readonly kvElementBytes: number;
  /** Sequences that are decoded together. */
  readonly batch: number;
  readonly dispatches: number;
}

/** Bytes that one step of decoding reads: every weight once, and the keys and values of each sequence. */
export function decodeBytes(model: ModelCosts, { context, kvElementBytes, batch }: Decode): number {
  return model.weightBytes + batch * kvElementBytes * model.kvElements(context);
}

/** Seconds of one step of decoding, which gives a token to each sequence. */
export function decodeFloor(device: DeviceCosts, model: ModelCosts, step: Decode): number {
  return decodeBytes(model, step) / bandwidth(device) + step.dispatches * device.boundarySeconds;
}

export interface Prefill {
  readonly tokens: number;
  /** Tokens before them. */
  readonly depth: number;
  /** Dispatches of the whole prompt. */
  readonly dispatches: number;
  /** Steps that the prompt is cut into: each reads the weights once. */
  readonly steps: number;
}

/** f32 operations of a prompt: two per weight of the body and token, and attention over what each token sees. */
export function prefillFlops(model: ModelCosts, { tokens, depth }: Prefill): number {
  return 2 * model.bodyWeights * tokens + 2 * model.headWeights + model.attentionFlops(depth, tokens);
}

/** Seconds of a prompt. Packed dot products and subgroup matrices can be faster than this floor: its rate is f32's. */
export function prefillFloor(device: DeviceCosts, model: ModelCosts, prompt: Prefill): number {
  const arithmetic = prefillFlops(model, prompt) / device.flopsPerSecond;
  const bytes = (prompt.steps * model.weightBytes) / bandwidth(device);
  return Math.max(arithmetic, bytes) + prompt.dispatches * device.boundarySeconds;
}
