// Q5_K: 5-bit levels with a scale and a min per 32 weights; see affine_k.ts.

import { setGroupNibbles, writeAffineScales } from "./affine_k";
import { defineQuantizer } from "./quantizer";

export const q5_k = defineQuantizer("Q5_K", (values, at, out, to) => {
  const levels = writeAffineScales(values, at, 31, out, to);
  for (let i = 0; i < 32; i++) {
    let bits = 0; // byte i holds the fifth bits of weight i of all eight groups
    for (let group = 0; group < 8; group++) bits |= (levels[32 * group + i]! >> 4) << group;
    out.setUint8(to + 16 + i, bits);
  }
  setGroupNibbles(out, to + 48, levels);
});
