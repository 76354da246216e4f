// Attention over paged keys and values: grouped query heads, causal or not, windows, soft cap, learned sinks.

import { PAGE_TOKENS } from "../common/batch";
import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import { type CacheType, readingParts } from "../common/kv";
import { BY_INVOCATION, checkHeadDim, IN_WORKGROUPS, nativeF16, ON_SUBGROUPS, type Way } from "../common/kv_ways";
import slots from "../common/slots.wgsl?raw";
import tanh from "../common/tanh.wgsl?raw";
import teamSubgroup from "../common/team_subgroup.wgsl?raw";
import teamWorkgroup from "../common/team_workgroup.wgsl?raw";
import { defineKernel, foldedGrid, type Grid, type Variant } from "../kernel";
import head from "./head.wgsl?raw";
import byInvocation from "./invocation.wgsl?raw";
import keyByKey from "./key_by_key.wgsl?raw";
import scores from "./scores.wgsl?raw";
import softmax from "./softmax.wgsl?raw";
import byTile from "./tiled.wgsl?raw";
import byWorkgroup from "./workgroup.wgsl?raw";

/** Value of the parameter `sinks_at` for attention without sinks. */
export const NO_SINKS = 0xffff_ffff;

/** Lanes that share a row and a head, and the tokens of a tile. */
const LANES = 64;
/** Lanes that share a tile of queries, and those queries; tiled.wgsl says the same. Chunks only: a tile wants rows. */
const TILE_LANES = 128;
const TILE_QUERIES = 32;
const TILE_ROWS = [17, Infinity] as const;
/** Items per workgroup where each invocation works alone. */
const ITEMS = 8;

const params = {
  heads: "u32",
  kv_heads: "u32",
  scale: "f32",
  window: "u32",
  softcap: "f32",
  sinks_at: "u32",
  table_at: "u32",
  pages_per_slot: "u32",
} as const;

interface AttentionWay extends Way {
  readonly files: readonly string[];
  readonly rows?: readonly [number, number];
  readonly lanes: number;
  readonly grid: (params: { readonly heads: number; readonly kv_heads: number }, rows: number) => Grid;
}

const team: Pick<AttentionWay, "lanes" | "grid"> = {
  lanes: LANES,
  grid: ({ heads }, rows) => foldedGrid(rows * heads),
};
const tiled: AttentionWay = {
  ...IN_WORKGROUPS,
  name: "tiled",
  files: [byTile],
  rows: TILE_ROWS,
  lanes: TILE_LANES,
  grid: ({ heads, kv_heads }, rows) => [Math.ceil((rows * heads) / kv_heads / TILE_QUERIES), kv_heads, 1],
};
const cooperative: readonly AttentionWay[] = [
  tiled,
  { ...ON_SUBGROUPS, files: [byWorkgroup, teamSubgroup], ...team },
  { ...IN_WORKGROUPS, files: [byWorkgroup, teamWorkgroup], ...team },
];
const alone: AttentionWay = {
  ...BY_INVOCATION,
  files: [byInvocation, keyByKey],
  lanes: ITEMS,
  grid: ({ heads }, rows) => foldedGrid(Math.ceil((rows * heads) / ITEMS)),
};

/**
 * q and y are `[rows, heads · headDim]`, different buffers; `kv` is the layer's buffer of pages as kv_append fills it.
 *
 * @param kv How the pages hold numbers.
 * @param options.headDim A multiple of 4, from 4 to MAX_HEAD_DIM.
 * @throws FennecError `backend-unsupported` for another head.
 */
export function attention(kv: CacheType, { headDim }: { readonly headDim: number }) {
  checkHeadDim(headDim);
  const natively = readingParts("native f16");
  const variants = [
    ...(kv === "f16" ? cooperative.map((way) => variant(nativeF16(way), headDim, natively)) : []),
    ...[...cooperative, alone].map((way) => variant(way, headDim, readingParts(kv))),
  ];
  return defineKernel({
    name: `attention_${kv}_${headDim}`,
    bindings: {
      params: "uniform",
      batch: "uniform",
      slots: "read",
      q: "read",
      pages: "read",
      kv: "read",
      vectors: "read",
      y: "read_write",
    },
    params,
    variants,
  });
}

function variant(way: AttentionWay, headDim: number, kvFiles: readonly string[]): Variant<typeof params> {
  return {
    name: way.name,
    suits: way.suits,
    runs: way.runs,
    ...(way.rows && { rows: way.rows }),
    parts: [...way.files, ...kvFiles, head, scores, softmax, batch, slots, tanh, grid].map((wgsl) => ({ wgsl })),
    constants: () => ({ WORKGROUP: way.lanes, HEAD_QUADS: headDim / 4, PAGE_TOKENS }),
    enable: way.enable,
    grid: (given, rows) => way.grid(given, rows),
  };
}
