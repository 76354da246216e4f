// What the types with blocks of 32 and one rounding share: largest value, range, and how levels are packed. Every step
// is rounded to f32, as ggml's reference does without fused multiply-add: the blocks are equal bit for bit.
//
// Source: `quantize_row_q4_0_ref` and its siblings in ggml (ggml-quants.c).

import { floatToHalf } from "../../kernels/quant/half";

/** Weights of a block. */
export const BLOCK = 32;

/** The value of the largest magnitude with its sign; of equal ones the first. */
export function extreme(values: Float32Array, at: number, count: number): number {
  let found = 0;
  let largest = 0;
  for (let i = at; i < at + count; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude <= largest) continue;
    largest = magnitude;
    found = values[i]!;
  }
  return found;
}

/** Level of each weight for `weight = scale · (level - center)`; the extreme value is exactly at level 0. */
export function centeredLevels(
  values: Float32Array,
  at: number,
  center: number,
): { scale: number; levels: Uint8Array } {
  const scale = Math.fround(extreme(values, at, BLOCK) / -center);
  const inverse = inverseOf(scale);
  const levels = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i++) {
    const scaled = Math.fround(Math.fround(values[at + i]! * inverse) + (center + 0.5));
    levels[i] = Math.min(2 * center - 1, Math.trunc(scaled));
  }
  return { scale, levels };
}

/** Level of each weight for `weight = scale · level + min`, from 0 at the least value to `most` at the largest. */
export function rangeLevels(
  values: Float32Array,
  at: number,
  most: number,
): { scale: number; min: number; levels: Uint8Array } {
  let min = values[at]!;
  let max = min;
  for (let i = 1; i < BLOCK; i++) {
    const value = values[at + i]!;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const scale = Math.fround(Math.fround(max - min) / most);
  const inverse = inverseOf(scale);
  const levels = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i++) {
    const scaled = Math.fround(Math.fround(Math.fround(values[at + i]! - min) * inverse) + 0.5);
    levels[i] = Math.min(most, Math.trunc(scaled));
  }
  return { scale, min, levels };
}

export function inverseOf(scale: number): number {
  return scale === 0 ? 0 : Math.fround(1 / scale);
}

export function setHalf(out: DataView, to: number, value: number): void {
  out.setUint16(to, floatToHalf(value), true);
}

/** 16 bytes: byte i holds the low four bits of levels i and i + 16. */
export function setNibbles(out: DataView, to: number, levels: Uint8Array): void {
  for (let i = 0; i < 16; i++) out.setUint8(to + i, (levels[i]! & 15) | ((levels[i + 16]! & 15) << 4));
}

/** 4 bytes: bit i is the fifth bit of level i. */
export function setFifthBits(out: DataView, to: number, levels: Uint8Array): void {
  let bits = 0;
  for (let i = 0; i < BLOCK; i++) bits |= (levels[i]! >> 4) << i;
  out.setUint32(to, bits >>> 0, true);
}
