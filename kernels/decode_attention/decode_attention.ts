// Attention of a decode step, a row per sequence: norms and rotations of heads, KV pages and attention in one dispatch.

import keyByKey from "../attention/key_by_key.wgsl?raw";
import scores from "../attention/scores.wgsl?raw";
import softmax from "../attention/softmax.wgsl?raw";
import { PAGE_TOKENS, SPLIT_TOKENS } from "../common/batch";
import batch from "../common/batch.wgsl?raw";
import { type CacheType, writingParts } from "../common/kv";
import { BY_INVOCATION, checkHeadDim, IN_WORKGROUPS, nativeF16, ON_SUBGROUPS, type Way } from "../common/kv_ways";
import slots from "../common/slots.wgsl?raw";
import tanh from "../common/tanh.wgsl?raw";
import teamInvocation from "../common/team_invocation.wgsl?raw";
import teamsSubgroup from "../common/teams_subgroup.wgsl?raw";
import teamsWorkgroup from "../common/teams_workgroup.wgsl?raw";
import { defineKernel, type Variant } from "../kernel";
import { type HeadOptions, headParams, headParts } from "../prepare_qkv/prepare_qkv";
import head from "./head.wgsl?raw";
import byInvocation from "./invocation.wgsl?raw";
import partsSubgroup from "./parts_subgroup.wgsl?raw";
import partsWorkgroup from "./parts_workgroup.wgsl?raw";
import byWorkgroup from "./workgroup.wgsl?raw";

export interface DecodeAttentionOptions extends HeadOptions {
  /** Query heads per key head: heads / kv_heads. */
  readonly group: number;
}

/** Items per workgroup where each invocation works alone. */
const ITEMS = 8;
/** Query heads that share a read of keys and values, at most; and scores of a tile in workgroup memory. */
const MOST_PASS_HEADS = 8;
const TILE_SCORES = 1024;

const params = {
  heads: "u32",
  kv_heads: "u32",
  scale: "f32",
  window: "u32",
  softcap: "f32",
  sinks_at: "u32",
  ...headParams,
  splits: "u32",
} as const;

interface DecodeWay extends Way {
  readonly files: readonly string[];
}

const cooperative: readonly DecodeWay[] = [
  { ...ON_SUBGROUPS, files: [byWorkgroup, partsSubgroup, teamsSubgroup] },
  { ...IN_WORKGROUPS, files: [byWorkgroup, partsWorkgroup, teamsWorkgroup] },
];
const alone: DecodeWay = { ...BY_INVOCATION, files: [byInvocation, keyByKey, teamInvocation] };

/**
 * For steps in which no two rows are of the same slot; each sees the keys before it and its own (within the window).
 * `qkv` is as for prepareQkv, and keys and values end in the pages as prepareQkv stores them.
 *
 * A context has a part in every SPLIT_TOKENS tokens. Rows whose visible keys lie in one part get their `y`,
 * `[rows, heads · headDim]`, here; the others' parts go to `partials`, `[rows, heads, splits, headDim + 4]` f32 (weighted
 * sum of values, largest score, sum of weights, two unused), and attentionCombine makes `y` of them. Which of the two,
 * and every bit, depends on the row's own position alone.
 *
 * @param kv How the pages hold numbers.
 * @throws FennecError `backend-unsupported` for heads that are no multiple of 4 or longer than MAX_HEAD_DIM.
 */
export function decodeAttention(kv: CacheType, { headDim, headNorm, group }: DecodeAttentionOptions) {
  checkHeadDim(headDim);
  const common = [...headParts(headNorm), head, scores, softmax, batch, slots, tanh];
  const variantsOf = (kvFiles: readonly string[], some: readonly DecodeWay[]) =>
    some.map((way) => variant({ ...way, files: [...way.files, ...kvFiles, ...common] }, headDim, group));
  const nativeKv = writingParts("native f16");
  return defineKernel({
    name: `decode_attention_${kv}_${headDim}_x${group}${headNorm ? "_norm" : ""}`,
    bindings: {
      params: "uniform",
      batch: "uniform",
      slots: "read",
      qkv: "read",
      pages: "read",
      kv: "read_write",
      vectors: "read",
      tables: "read",
      y: "read_write",
      partials: "read_write",
    },
    params,
    variants: [
      ...(kv === "f16" ? variantsOf(nativeKv, cooperative.map(nativeF16)) : []),
      ...variantsOf(writingParts(kv), [...cooperative, alone]),
    ],
  });
}

function variant(way: DecodeWay, headDim: number, group: number): Variant<typeof params> {
  const single = way.name === alone.name;
  return {
    name: way.name,
    suits: way.suits,
    runs: way.runs,
    parts: way.files.map((wgsl) => ({ wgsl })),
    constants: () => ({
      HEAD_QUADS: headDim / 4,
      PAGE_TOKENS,
      SPLIT_TOKENS,
      ...(single ? { WORKGROUP: ITEMS } : workgroupConstants(headDim / 4, group)),
    }),
    enable: way.enable,
    grid: ({ heads, kv_heads }, rows, _traits, { splits }) => [
      single ? Math.ceil((rows * heads) / ITEMS) : rows * kv_heads,
      1,
      splits,
    ],
  };
}

/**
 * Sizes of workgroup.wgsl. A key head has few workgroups (one per split), so they are large; small heads have no work for
 * that many lanes. Workgroup memory stays under 16 KiB: with heads of 256 and 8 of them, 14.6 KiB.
 */
function workgroupConstants(headQuads: number, group: number): Record<string, number> {
  const lanes = headQuads >= 16 ? 256 : 64;
  const passes = Math.ceil(group / MOST_PASS_HEADS);
  const passHeads = Math.ceil(group / passes);
  const teams = 2 ** Math.ceil(Math.log2(passHeads));
  return {
    WORKGROUP: lanes,
    PASSES: passes,
    PASS_HEADS: passHeads,
    TEAM: lanes / teams,
    TILE: Math.min(SPLIT_TOKENS, TILE_SCORES / teams),
    SCRATCH: Math.max(passHeads * headQuads, lanes),
  };
}
