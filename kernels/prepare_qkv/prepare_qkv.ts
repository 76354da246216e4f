// From the result of the q, k, v matrices to what `attention` reads, in one dispatch: norms, rotations, KV pages.

import { PAGE_TOKENS } from "../common/batch";
import batch from "../common/batch.wgsl?raw";
import { type CacheType, writingParts } from "../common/kv";
import angles from "../common/rope.wgsl?raw";
import slots from "../common/slots.wgsl?raw";
import { teamVariants } from "../common/team";
import { defineKernel } from "../kernel";
import norming from "./norm.wgsl?raw";
import plain from "./plain.wgsl?raw";
import wgsl from "./prepare_qkv.wgsl?raw";
import prepared from "./prepared.wgsl?raw";

/** What the kernels of a layer's heads are made for. */
export interface HeadOptions {
  /** A multiple of 4, from 4 to 256. */
  readonly headDim: number;
  /** Query and key heads have an RMSNorm of their own (Qwen 3, Gemma 3). */
  readonly headNorm: boolean;
}

/** Parameters of {@link prepareQkv} and decode attention: what `qkv` holds and how heads are prepared. */
export const headParams = {
  table_at: "u32",
  pages_per_slot: "u32",
  qkv_stride: "u32",
  q_at: "u32",
  k_at: "u32",
  v_at: "u32",
  q_gain_at: "u32",
  k_gain_at: "u32",
  eps: "f32",
  rope_dims: "u32",
  rope_style: "u32",
  tables_at: "u32",
  coarse_at: "u32",
} as const;

/** Shader files that prepare heads; they ask for a team and for HEAD_QUADS. */
export function headParts(headNorm: boolean): readonly string[] {
  return [prepared, headNorm ? norming : plain, angles];
}

const params = { heads: "u32", kv_heads: "u32", ...headParams } as const;

/**
 * `qkv` is `[rows, qkv_stride]`, neither normed nor turned; `q` becomes `[rows, heads · headDim]`, and the rows' keys and
 * values go into the layer's pages. Any number of rows, several of a slot allowed.
 *
 * @param kv How the pages hold numbers.
 */
export function prepareQkv(kv: CacheType, { headDim, headNorm }: HeadOptions) {
  const files = [wgsl, ...headParts(headNorm), ...writingParts(kv), batch, slots];
  return defineKernel({
    name: `prepare_qkv_${kv}_${headDim}${headNorm ? "_norm" : ""}`,
    bindings: {
      params: "uniform",
      batch: "uniform",
      slots: "read",
      qkv: "read",
      pages: "read",
      kv: "read_write",
      vectors: "read",
      tables: "read",
      q: "read_write",
    },
    params,
    variants: teamVariants<typeof params>(
      files.map((file) => ({ wgsl: file })),
      ({ heads, kv_heads }, rows) => rows * (heads + 2 * kv_heads),
      { HEAD_QUADS: headDim / 4, PAGE_TOKENS },
    ),
  });
}
