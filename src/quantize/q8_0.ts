// Q8_0: weight = scale · level, levels -127 to 127. Source: `quantize_row_q8_0_ref` of ggml (ggml-quants.c).

import { defineQuantizer } from "./quantizer";
import { BLOCK, extreme, inverseOf, setHalf } from "./round_blocks";

export const q8_0 = defineQuantizer("Q8_0", (values, at, out, to) => {
  const scale = Math.fround(Math.abs(extreme(values, at, BLOCK)) / 127);
  const inverse = inverseOf(scale);
  setHalf(out, to, scale);
  for (let i = 0; i < BLOCK; i++) out.setInt8(to + 2 + i, roundAway(Math.fround(values[at + i]! * inverse)));
});

/** To the nearest whole number, halves away from zero, as C's roundf. */
function roundAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}
