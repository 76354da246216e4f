// LayerNorm over rows, with or without a bias.

import batch from "../common/batch.wgsl?raw";
import { teamVariants } from "../common/team";
import { defineKernel } from "../kernel";
import wgsl from "./layer_norm.wgsl?raw";

/** Value of the parameter `bias_at` for a norm without bias. */
export const NO_BIAS = 0xffff_ffff;

const params = { width: "u32", gain_at: "u32", bias_at: "u32", eps: "f32", on_outputs: "u32" } as const;

/** `y = norm(x)`: x and y are different buffers, `[rows, width]`, width a multiple of 4. */
export const layerNorm = defineKernel({
  name: "layer_norm",
  bindings: { params: "uniform", batch: "uniform", x: "read", vectors: "read", y: "read_write" },
  params,
  variants: teamVariants<typeof params>([{ wgsl }, { wgsl: batch }], (_, rows) => rows),
});
