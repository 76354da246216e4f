// What a kernel case is, and the small helpers that cases are written with. Every kernels/**/cases.ts exports
// `cases`; test/kernels/kernels.test.ts runs each of them in every variant on every device. Nothing here touches a GPU.

import {
  BATCH_BYTES,
  BATCH_HEADER_WORDS,
  LAST_TOKEN,
  MAX_OUTPUTS,
  MAX_ROWS,
  ROW_WORDS,
  SLOT,
  SLOT_WORDS,
} from "./common/batch";
import type { Kernel, ParamsOf, ParamTypes, Variant } from "./kernel";

export type BufferArray = Float32Array | Uint32Array | Int32Array | Uint8Array;

/**
 * A buffer at the start: its bytes, or its length in 32-bit words. The words of the latter hold a NaN, so that an
 * element that the kernel did not write shows (and may be expected: see {@link Expected}).
 */
export type BufferContent = BufferArray | { readonly words: number };

/**
 * What a buffer must hold at the end, in full. Integers are compared exactly, floats under the tolerance; NaN means
 * that the kernel must leave the element unwritten.
 */
export type Expected = Float32Array | Float64Array | Uint32Array | Int32Array;

export interface KernelCase<P extends ParamTypes = ParamTypes> {
  /** Says why the case exists: the boundary it stands on. */
  readonly name: string;
  readonly kernel: Kernel<P>;
  readonly params: ParamsOf<P>;
  /** By binding name, `params` excepted. */
  readonly buffers: Readonly<Record<string, BufferContent>>;
  /** Rows the kernel works on (token rows, or output rows): choose the variants and their bucket. 1 when absent. */
  readonly rows?: number;
  /** Splits of the longest context: grids of attention follow them. 1 when absent. */
  readonly splits?: number;
  /** By binding name: how to read a buffer that packs its numbers, before it is compared. As they are when absent. */
  readonly views?: Readonly<Record<string, (words: Uint32Array) => Uint32Array>>;
  /** By binding name, from the reference in f64, of what the variant is meant to compute. Called once per variant. */
  readonly expected: (variant: Pick<Variant, "int8">) => Readonly<Record<string, Expected>>;
  /**
   * Largest `|got - want| / max(|want|, root mean square of want)` of any element. 0 asks for equal bits of f32.
   */
  readonly tolerance: number;
  /** For variants that enable f16 arithmetic; `tolerance` when absent. */
  readonly toleranceF16?: number;
}

/** The bytes of a buffer at the end, as the case wants to see them. */
export function viewed({ views }: KernelCase, name: string, got: ArrayBuffer): ArrayBuffer {
  const view = views?.[name];
  return view ? (view(new Uint32Array(got)).buffer as ArrayBuffer) : got;
}

/** Types the parameters against the kernel, then forgets them: a list of cases holds many kernels. */
export function kernelCase<const P extends ParamTypes>(c: KernelCase<P>): KernelCase {
  return c;
}

/** `length` numbers in [-amplitude, amplitude), equal for equal seeds on every machine (the mulberry32 generator). */
export function noise(length: number, seed: number, amplitude = 1): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length }, () => (next() * 2 - 1) * amplitude);
}

/** Random bytes, seeded. */
export function noiseBytes(length: number, seed: number): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length }, () => Math.floor(next() * 256));
}

/** Numbers in [0, 1) with 32 random bits, seeded. */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface BatchRow {
  /** {@link LAST_TOKEN} when absent: token and position come from the slot. */
  readonly token?: number;
  readonly position?: number;
  readonly slot?: number;
  /** `position + 1` when absent. */
  readonly keyEnd?: number;
}

/**
 * The uniform `batch` of common/batch.wgsl.
 *
 * @param rows Their descriptions, or how many (then all zeros): at most MAX_ROWS.
 * @param outputs Rows that are outputs, in order: at most MAX_OUTPUTS.
 */
export function batchUniform(rows: readonly BatchRow[] | number, outputs: readonly number[] = []): Uint32Array {
  const list: readonly BatchRow[] =
    typeof rows === "number" ? Array.from({ length: rows }, () => ({ token: 0 })) : rows;
  if (list.length > MAX_ROWS || outputs.length > MAX_OUTPUTS)
    throw new Error("more rows or outputs than a batch holds");
  const words = new Uint32Array(BATCH_BYTES / 4);
  words.set([list.length, outputs.length]);
  list.forEach((row, at) => {
    const position = row.position ?? 0;
    const keyEnd = row.keyEnd ?? position + 1;
    words.set([row.token ?? LAST_TOKEN, position, row.slot ?? 0, keyEnd], BATCH_HEADER_WORDS + ROW_WORDS * at);
  });
  words.set(outputs, BATCH_HEADER_WORDS + ROW_WORDS * MAX_ROWS);
  return words;
}

/** The buffer `slots` of common/slots.wgsl: token and position per slot, other words zero. */
export function slotsBuffer(slots: readonly { readonly token?: number; readonly position?: number }[]): Uint32Array {
  const words = new Uint32Array(SLOT_WORDS * Math.max(1, slots.length));
  slots.forEach(({ token = 0, position = 0 }, at) => {
    words[SLOT_WORDS * at + SLOT.token] = token;
    words[SLOT_WORDS * at + SLOT.position] = position;
  });
  return words;
}
