// RMSNorm over rows or over the heads of rows; with `accumulate`, its result is added to y.

import batch from "../common/batch.wgsl?raw";
import { teamVariants } from "../common/team";
import { defineKernel } from "../kernel";
import accumulating from "./accumulate.wgsl?raw";
import wgsl from "./rms_norm.wgsl?raw";
import storing from "./store.wgsl?raw";

const params = { width: "u32", groups: "u32", gain_at: "u32", eps: "f32", on_outputs: "u32" } as const;

/** `y = norm(x)`, or `y += norm(x)` with `accumulate`. x and y are different buffers, `[rows, groups · width]`. */
export function rmsNorm({ accumulate = false }: { readonly accumulate?: boolean } = {}) {
  const store = accumulate ? accumulating : storing;
  return defineKernel({
    name: accumulate ? "rms_norm_accumulate" : "rms_norm",
    bindings: { params: "uniform", batch: "uniform", x: "read", vectors: "read", y: "read_write" },
    params,
    variants: teamVariants<typeof params>(
      [{ wgsl }, { wgsl: store }, { wgsl: batch }],
      ({ groups }, rows) => rows * groups,
    ),
  });
}
