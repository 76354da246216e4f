// What Q4_K and Q5_K share: 256 weights in 8 groups of 32, weight = d · scale · level - dmin · min, with scale and min
// of 6 bits per group and f16 d and dmin per block. Each group is fitted by itself, then brought to the block's grid;
// there the neighbours of the rounded scale and min are tried as well.
//
// Source of the layout: `block_q4_K` of ggml (ggml-common.h) and `get_scale_min_k4` (ggml-quants.c).

import { floatToHalf, halfToFloat } from "../../kernels/quant/half";
import { type AffineFit, affineError, affineLevel, clampLevel, fitAffine, setImportance } from "./fit";

const GROUPS = 8;
const GROUP = 32;
/** Scales and mins have 6 bits. */
const MOST = 63;

const importance = new Float64Array(GROUP);
const levels = new Uint8Array(GROUPS * GROUP);

/**
 * Writes d, dmin and the 12 bytes of scales and mins.
 *
 * @returns The levels, 0 to `most`; valid until the next call.
 */
export function writeAffineScales(
  values: Float32Array,
  at: number,
  most: number,
  out: DataView,
  to: number,
): Uint8Array {
  const fits: AffineFit[] = [];
  for (let group = 0; group < GROUPS; group++) {
    setImportance(values, at + GROUP * group, importance);
    fits.push(fitAffine(values, at + GROUP * group, importance, most));
  }
  const dBits = floatToHalf(Math.max(...fits.map(({ scale }) => scale)) / MOST);
  const dminBits = floatToHalf(Math.max(...fits.map(({ min }) => min)) / MOST);
  out.setUint16(to, dBits, true);
  out.setUint16(to + 2, dminBits, true);
  const d = halfToFloat(dBits);
  const dmin = halfToFloat(dminBits);

  fits.forEach((fit, group) => {
    const from = at + GROUP * group;
    setImportance(values, from, importance);
    const [scale, min] = onGrid(values, from, most, fit, d, dmin);
    setScaleAndMin(out, to + 4, group, scale, min);
    for (let i = 0; i < GROUP; i++) {
      levels[GROUP * group + i] = affineLevel(values[from + i]!, d * scale, dmin * min, most);
    }
  });
  return levels;
}

/** The 6-bit scale and min near a fit that cost least. */
function onGrid(
  values: Float32Array,
  from: number,
  most: number,
  fit: AffineFit,
  d: number,
  dmin: number,
): readonly [scale: number, min: number] {
  const nearScale = d === 0 ? [0] : around(fit.scale / d);
  const nearMin = dmin === 0 ? [0] : around(fit.min / dmin);
  let best: readonly [number, number] = [nearScale[0]!, nearMin[0]!];
  let bestError = Infinity;
  for (const scale of nearScale) {
    for (const min of nearMin) {
      const error = affineError(values, from, importance, most, d * scale, dmin * min);
      if (error >= bestError) continue;
      best = [scale, min];
      bestError = error;
    }
  }
  return best;
}

function around(value: number): readonly number[] {
  const nearest = clampLevel(Math.round(value), 0, MOST);
  return [nearest, nearest - 1, nearest + 1].filter((one) => one >= 0 && one <= MOST);
}

/** Groups 0 to 3 have 6 bits in bytes 0 to 3 (scales) and 4 to 7 (mins); the others are split over all twelve bytes. */
function setScaleAndMin(out: DataView, to: number, group: number, scale: number, min: number): void {
  const add = (byte: number, bits: number) => out.setUint8(to + byte, out.getUint8(to + byte) | bits);
  if (group < 4) {
    add(group, scale);
    add(group + 4, min);
    return;
  }
  add(group + 4, (scale & 15) | ((min & 15) << 4));
  add(group - 4, (scale >> 4) << 6);
  add(group, (min >> 4) << 6);
}

/** 128 bytes from `to` on: 32 bytes hold the low four bits of two groups, the second in the high half. */
export function setGroupNibbles(out: DataView, to: number, all: Uint8Array): void {
  for (let i = 0; i < 128; i++) {
    const low = 64 * (i >> 5) + (i & 31);
    out.setUint8(to + i, (all[low]! & 15) | ((all[low + 32]! & 15) << 4));
  }
}
