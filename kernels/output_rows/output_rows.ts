// Keeps the rows whose output was asked for, so that only they go through the last norm and lm_head.

import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import { defineKernel, foldedGrid } from "../kernel";
import wgsl from "./output_rows.wgsl?raw";

const WORKGROUP = 64;

/** `y[o] = x[batch.output_row[o]]`: x `[rows, width]`, y `[outputs, width]`, width a multiple of 4. */
export const outputRows = defineKernel({
  name: "output_rows",
  bindings: { params: "uniform", batch: "uniform", x: "read", y: "read_write" },
  params: { width: "u32" },
  variants: [
    {
      name: "invocation",
      suits: () => true,
      parts: [wgsl, batch, grid].map((part) => ({ wgsl: part })),
      constants: () => ({ WORKGROUP }),
      grid: ({ width }, rows) => foldedGrid(Math.ceil((rows * width) / 4 / WORKGROUP)),
    },
  ],
});
