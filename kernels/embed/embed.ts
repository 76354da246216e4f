// The first operation of a model: rows of the embedding matrix by token, for any weight format.

import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import slots from "../common/slots.wgsl?raw";
import { defineKernel, foldedGrid } from "../kernel";
import { GROUP_WEIGHTS, loaderParts, type WeightFormat } from "../quant/format";
import embedWgsl from "./embed.wgsl?raw";

const WORKGROUP = 64;

/**
 * `y[m, :] = W[token of row m, :] · scale` for tokens in `[row_begin, row_begin + rows)`; other rows stay as they are,
 * so that a matrix in several parts takes one dispatch each.
 */
export function embed(format: WeightFormat) {
  return defineKernel({
    name: `embed_${format.type.toLowerCase()}`,
    bindings: { params: "uniform", batch: "uniform", slots: "read", w: "read", y: "read_write" },
    params: {
      cols: "u32",
      row_begin: "u32",
      rows: "u32",
      scale: "f32",
      section_1: "u32",
      section_2: "u32",
      section_3: "u32",
    },
    variants: [
      {
        name: "invocation",
        suits: () => true,
        parts: [...loaderParts(format), { wgsl: batch }, { wgsl: slots }, { wgsl: grid }, { wgsl: embedWgsl }],
        constants: () => ({ WORKGROUP }),
        grid: ({ cols }, rows) => foldedGrid(Math.ceil((rows * Math.ceil(cols / GROUP_WEIGHTS)) / WORKGROUP)),
      },
    ],
  });
}
