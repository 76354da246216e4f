// Q4_1: weight = scale · level + min. Source: `quantize_row_q4_1_ref` of ggml (ggml-quants.c).

import { defineQuantizer } from "./quantizer";
import { rangeLevels, setHalf, setNibbles } from "./round_blocks";

export const q4_1 = defineQuantizer("Q4_1", (values, at, out, to) => {
  const { scale, min, levels } = rangeLevels(values, at, 15);
  setHalf(out, to, scale);
  setHalf(out, to + 2, min);
  setNibbles(out, to + 4, levels);
});
