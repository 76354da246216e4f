// Q4_K: 4-bit levels with a scale and a min per 32 weights; see affine_k.ts.

import { setGroupNibbles, writeAffineScales } from "./affine_k";
import { defineQuantizer } from "./quantizer";

export const q4_k = defineQuantizer("Q4_K", (values, at, out, to) => {
  setGroupNibbles(out, to + 16, writeAffineScales(values, at, 15, out, to));
});
