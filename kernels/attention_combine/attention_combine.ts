// Joins the parts that decode attention leaves of rows whose visible keys lie in several splits.

import softmax from "../attention/softmax.wgsl?raw";
import { SPLIT_TOKENS } from "../common/batch";
import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import slots from "../common/slots.wgsl?raw";
import { defineKernel, foldedGrid } from "../kernel";
import wgsl from "./attention_combine.wgsl?raw";

const WORKGROUP = 64;

/**
 * `y`, `[rows, heads · headDim]`, of the rows with several splits, from `partials` as decodeAttention leaves them; the `y`
 * of other rows stays. Needed in steps with more than one split only.
 */
export function attentionCombine({ headDim }: { readonly headDim: number }) {
  return defineKernel({
    name: `attention_combine_${headDim}`,
    bindings: {
      params: "uniform",
      batch: "uniform",
      slots: "read",
      partials: "read",
      vectors: "read",
      y: "read_write",
    },
    params: { heads: "u32", window: "u32", sinks_at: "u32", splits: "u32" },
    variants: [
      {
        name: "invocation",
        suits: () => true,
        parts: [wgsl, softmax, batch, slots, grid].map((part) => ({ wgsl: part })),
        constants: () => ({ WORKGROUP, HEAD_QUADS: headDim / 4, SPLIT_TOKENS }),
        grid: ({ heads }, rows) => foldedGrid(Math.ceil((rows * heads * headDim) / 4 / WORKGROUP)),
      },
    ],
  });
}
