// Q5_0: weight = scale · (level - 16). Source: `quantize_row_q5_0_ref` of ggml (ggml-quants.c).

import { defineQuantizer } from "./quantizer";
import { centeredLevels, setFifthBits, setHalf, setNibbles } from "./round_blocks";

export const q5_0 = defineQuantizer("Q5_0", (values, at, out, to) => {
  const { scale, levels } = centeredLevels(values, at, 16);
  setHalf(out, to, scale);
  setFifthBits(out, to + 2, levels);
  setNibbles(out, to + 6, levels);
});
