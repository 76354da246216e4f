// What stands beside every speed: a hash of the logits, and whether their tops are those of a run that is known to be
// right. A fast wrong kernel fails here, and its rows are not reported.

import type { FennecEngine } from "../src/api/surface";
import { load } from "../src/load";
import { tokenStream } from "./token_stream";

export interface Correctness {
  /** SHA-256 of the logits after the last token, the first 16 digits. */
  readonly logitsHash: string;
  /** Positions whose top is the other run's top. */
  readonly agreeing: number;
  readonly positions: number;
  /** What the other run was: `reference (f64)`, or `webgpu exact` for models too large for it. */
  readonly against: string;
  readonly right: boolean;
}

const POSITIONS = 8;

/** Weights up to which plain TypeScript in f64 takes seconds and not minutes. */
const REFERENCE_WEIGHTS = 200e6;

/** Tops that are nearer than this part of the logits' deviation are a tie: rounding decides between them. */
const TIE = 1e-2;

export interface CheckInput {
  readonly engine: FennecEngine;
  readonly parameters: number;
  /** Opens the same model again. */
  readonly path: string;
  readonly gpu: GPU | undefined;
  readonly signal: AbortSignal;
}

/** @throws FennecError as `load` and `logits`. */
export async function checkLogits(input: CheckInput): Promise<Correctness> {
  const { engine, signal } = input;
  const { vocab } = engine.model;
  const ids = tokenStream(vocab)(4, Math.min(POSITIONS, engine.context));
  const got = await engine.logits(ids, { all: true, signal });
  const other = await logitsOfOther(input, ids);
  let agreeing = 0;
  for (let at = 0; at < ids.length; at++) {
    const mine = got.subarray(at * vocab, (at + 1) * vocab);
    if (sameTop(mine, other.logits.subarray(at * vocab, (at + 1) * vocab))) agreeing++;
  }
  return {
    logitsHash: await hashOf(got.subarray((ids.length - 1) * vocab)),
    agreeing,
    positions: ids.length,
    against: other.name,
    right: got.every(Number.isFinite) && agreeing === ids.length,
  };
}

async function logitsOfOther({ engine, parameters, path, gpu, signal }: CheckInput, ids: readonly number[]) {
  const small = parameters <= REFERENCE_WEIGHTS;
  const backend = small ? ("reference" as const) : engine.backend.kind;
  const other = await load(path, {
    backend,
    precision: "exact",
    context: ids.length + 1,
    slots: 1,
    signal,
    ...(gpu && { gpu }),
  });
  try {
    const logits = await other.logits(ids, { all: true, signal });
    return { logits, name: small ? "reference (f64)" : `${backend} exact` };
  } finally {
    other.dispose();
  }
}

/** Whether the top of `got` is, up to a tie, that of `want`. */
export function sameTop(got: Float32Array, want: Float32Array): boolean {
  const top = want.reduce((best, value) => Math.max(best, value), Number.NEGATIVE_INFINITY);
  return want[argmax(got)]! >= top - TIE * deviation(want);
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

async function hashOf(values: Float32Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Float32Array(values));
  return [...new Uint8Array(digest, 0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
