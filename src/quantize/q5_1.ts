// Q5_1: weight = scale · level + min. Source: `quantize_row_q5_1_ref` of ggml (ggml-quants.c).

import { defineQuantizer } from "./quantizer";
import { rangeLevels, setFifthBits, setHalf, setNibbles } from "./round_blocks";

export const q5_1 = defineQuantizer("Q5_1", (values, at, out, to) => {
  const { scale, min, levels } = rangeLevels(values, at, 31);
  setHalf(out, to, scale);
  setHalf(out, to + 2, min);
  setFifthBits(out, to + 4, levels);
  setNibbles(out, to + 8, levels);
});
