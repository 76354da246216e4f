// Q6_K: weight = d · scale · level, levels -32 to 31, a signed 8-bit scale per 16 weights and an f16 d per 256. Each
// group is fitted by itself, then brought to the block's grid, where the neighbours of its scale are tried as well.
//
// Source of the layout: `block_q6_K` and `dequantize_row_q6_K` of ggml (ggml-common.h, ggml-quants.c).

import { floatToHalf, halfToFloat } from "../../kernels/quant/half";
import { clampLevel, fitScale, setImportance } from "./fit";
import { defineQuantizer } from "./quantizer";
import { extreme } from "./round_blocks";

const GROUPS = 16;
const GROUP = 16;

/** Levels that the extreme weight of a group may get: the range is a little larger or smaller than the levels. */
const PER_EXTREME = Array.from({ length: 19 }, (_, i) => -32 + (i - 9) / 10);

const importance = new Float64Array(GROUP);
const levels = new Uint8Array(GROUPS * GROUP);

export const q6_k = defineQuantizer("Q6_K", (values, at, out, to) => {
  const fits: number[] = [];
  for (let group = 0; group < GROUPS; group++) {
    const from = at + GROUP * group;
    setImportance(values, from, importance);
    fits.push(fitScale(values, from, importance, extreme(values, from, GROUP), PER_EXTREME, nearest));
  }
  const largest = fits.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  const dBits = floatToHalf(largest / -128);
  const d = halfToFloat(dBits);
  out.setUint16(to + 208, dBits, true);
  fits.forEach((fit, group) => {
    const from = at + GROUP * group;
    setImportance(values, from, importance);
    const scale = d === 0 ? 0 : onGrid(values, from, fit / d, d);
    out.setInt8(to + 192 + group, scale);
    for (let i = 0; i < GROUP; i++) levels[GROUP * group + i] = level(values[from + i]!, d * scale) + 32;
  });
  setLevels(out, to);
});

function nearest(scaled: number): number {
  return clampLevel(Math.round(scaled), -32, 31);
}

function level(value: number, scale: number): number {
  return scale === 0 ? 0 : nearest(value / scale);
}

/** The 8-bit scale near `wanted` that costs least. */
function onGrid(values: Float32Array, from: number, wanted: number, d: number): number {
  const middle = clampLevel(Math.round(wanted), -128, 127);
  let best = middle;
  let bestError = Infinity;
  for (const scale of [middle, middle - 1, middle + 1]) {
    if (scale < -128 || scale > 127) continue;
    let error = 0;
    for (let i = 0; i < GROUP; i++) {
      const value = values[from + i]!;
      error += importance[i]! * (d * scale * level(value, d * scale) - value) ** 2;
    }
    if (error >= bestError) continue;
    best = scale;
    bestError = error;
  }
  return best;
}

/** Per 128 weights 64 bytes of low four bits (quarters 0 and 2, 1 and 3) and 32 bytes of the high two of all quarters. */
function setLevels(out: DataView, to: number): void {
  for (let half = 0; half < 2; half++) {
    const from = 128 * half;
    for (let i = 0; i < 64; i++) {
      out.setUint8(to + 64 * half + i, (levels[from + i]! & 15) | ((levels[from + 64 + i]! & 15) << 4));
    }
    for (let i = 0; i < 32; i++) {
      let bits = 0;
      for (let quarter = 0; quarter < 4; quarter++) bits |= (levels[from + 32 * quarter + i]! >> 4) << (2 * quarter);
      out.setUint8(to + 128 + 32 * half + i, bits);
    }
  }
}
