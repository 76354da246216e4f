// IQ4_NL: weight = scale · codebook[level], 16 uneven values, one f16 scale per 32 weights, which is searched for.
//
// Source of the layout: `block_iq4_nl` of ggml (ggml-common.h).

import { floatToHalf, halfToFloat } from "../../kernels/quant/half";
import { IQ4_CODEBOOK } from "../../kernels/quant/iq4_codebook";
import { clampLevel, fitScale, setImportance } from "./fit";
import { defineQuantizer } from "./quantizer";
import { BLOCK, extreme, setNibbles } from "./round_blocks";

const LEAST = IQ4_CODEBOOK[0]!;
const MOST = IQ4_CODEBOOK[15]!;

/** The nearest entry for each half unit: the borders between entries are whole or half numbers. */
const NEAREST = Uint8Array.from({ length: 2 * (MOST - LEAST) + 1 }, (_, i) => {
  const value = LEAST + i / 2 + 0.25;
  const distance = IQ4_CODEBOOK.map((entry) => Math.abs(entry - value));
  return distance.indexOf(Math.min(...distance));
});

/** Values that the extreme weight may get: about either end of the codebook. */
const PER_EXTREME = [LEAST, MOST].flatMap((end) => Array.from({ length: 15 }, (_, i) => end + i - 7));

const importance = new Float64Array(BLOCK);
const levels = new Uint8Array(BLOCK);

export const iq4_nl = defineQuantizer("IQ4_NL", (values, at, out, to) => {
  setImportance(values, at, importance);
  const fit = fitScale(values, at, importance, extreme(values, at, BLOCK), PER_EXTREME, (x) => IQ4_CODEBOOK[entry(x)]!);
  const bits = floatToHalf(fit);
  const scale = halfToFloat(bits);
  out.setUint16(to, bits, true);
  for (let i = 0; i < BLOCK; i++) levels[i] = entry(scale === 0 ? 0 : values[at + i]! / scale);
  setNibbles(out, to + 2, levels);
});

function entry(scaled: number): number {
  return NEAREST[clampLevel(Math.floor(2 * (scaled - LEAST)), 0, NEAREST.length - 1)]!;
}
