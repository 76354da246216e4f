// Stores keys and values of the step's rows into the KV pages of their sequences.

import { PAGE_TOKENS } from "../common/batch";
import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import { type CacheType, writingParts } from "../common/kv";
import slots from "../common/slots.wgsl?raw";
import { defineKernel, foldedGrid } from "../kernel";
import wgsl from "./kv_append.wgsl?raw";

const WORKGROUP = 64;

/** k and v are `[rows, kvHeads · headDim]`; `kv` is the layer's buffer of pages, laid out as in common/kv_pages.wgsl. */
export function kvAppend(kv: CacheType) {
  return defineKernel({
    name: `kv_append_${kv}`,
    bindings: {
      params: "uniform",
      batch: "uniform",
      slots: "read",
      k: "read",
      v: "read",
      pages: "read",
      kv: "read_write",
    },
    params: { kv_heads: "u32", head_dim: "u32", table_at: "u32", pages_per_slot: "u32" },
    variants: [
      {
        name: "invocation",
        suits: () => true,
        parts: [wgsl, ...writingParts(kv), batch, slots, grid].map((part) => ({ wgsl: part })),
        constants: () => ({ WORKGROUP, PAGE_TOKENS }),
        grid: ({ kv_heads, head_dim }, rows) => foldedGrid(Math.ceil((rows * kv_heads * head_dim) / 4 / WORKGROUP)),
      },
    ],
  });
}
