// Q4_0: weight = scale · (level - 8). Source: `quantize_row_q4_0_ref` of ggml (ggml-quants.c).

import { defineQuantizer } from "./quantizer";
import { centeredLevels, setHalf, setNibbles } from "./round_blocks";

export const q4_0 = defineQuantizer("Q4_0", (values, at, out, to) => {
  const { scale, levels } = centeredLevels(values, at, 8);
  setHalf(out, to, scale);
  setNibbles(out, to + 2, levels);
});
