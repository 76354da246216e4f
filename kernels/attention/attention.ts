// Attention over paged keys and values: grouped query heads, causal or not, windows, soft cap, learned sinks.

import { FennecError } from "../../src/errors";
import { PAGE_TOKENS } from "../common/batch";
import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import { type CacheType, readingParts } from "../common/kv";
import kvF16Native from "../common/kv_f16_native.wgsl?raw";
import slots from "../common/slots.wgsl?raw";
import tanh from "../common/tanh.wgsl?raw";
import teamSubgroup from "../common/team_subgroup.wgsl?raw";
import teamWorkgroup from "../common/team_workgroup.wgsl?raw";
import { type DeviceTraits, defineKernel, foldedGrid, type Grid, type Variant } from "../kernel";
import head from "./head.wgsl?raw";
import byInvocation from "./invocation.wgsl?raw";
import scores from "./scores.wgsl?raw";
import softmax from "./softmax.wgsl?raw";
import byTile from "./tiled.wgsl?raw";
import byWorkgroup from "./workgroup.wgsl?raw";

/** Value of the parameter `sinks_at` for attention without sinks. */
export const NO_SINKS = 0xffff_ffff;

/** Largest head that the kernels hold. */
export const MAX_HEAD_DIM = 256;

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

interface Way {
  readonly name: string;
  readonly suits: (traits: DeviceTraits) => boolean;
  readonly runs: (traits: DeviceTraits) => boolean;
  readonly files: readonly string[];
  readonly enable: readonly ("f16" | "subgroups")[];
  readonly rows?: readonly [number, number];
  readonly lanes: number;
  readonly grid: (params: { readonly heads: number; readonly kv_heads: number }, rows: number) => Grid;
}

/**
 * q and y are `[rows, heads · headDim]`, different buffers; `kv` is the layer's buffer of pages as kv_append fills it.
 *
 * @param kv How the pages hold numbers.
 * @param options.headDim A multiple of 4, from 4 to {@link MAX_HEAD_DIM}.
 * @throws FennecError `backend-unsupported` for another head.
 */
export function attention(kv: CacheType, { headDim }: { readonly headDim: number }) {
  if (headDim % 4 !== 0 || headDim < 4 || headDim > MAX_HEAD_DIM)
    throw new FennecError(
      "backend-unsupported",
      `attention with heads of ${headDim}: the webgpu kernels hold multiples of 4 up to ${MAX_HEAD_DIM}. ` +
        `Try backend: "reference".`,
    );
  const ways = [...(kv === "f16" ? native() : []), ...shared(readingParts(kv))];
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
    variants: ways.map((way) => variant(way, headDim)),
  });
}

const team: Pick<Way, "lanes" | "grid"> = { lanes: LANES, grid: ({ heads }, rows) => foldedGrid(rows * heads) };
const alone: Pick<Way, "lanes" | "grid"> = {
  lanes: ITEMS,
  grid: ({ heads }, rows) => foldedGrid(Math.ceil((rows * heads) / ITEMS)),
};
const tile: Pick<Way, "rows" | "lanes" | "grid"> = {
  rows: TILE_ROWS,
  lanes: TILE_LANES,
  grid: ({ heads, kv_heads }, rows) => [Math.ceil((rows * heads) / kv_heads / TILE_QUERIES), kv_heads, 1],
};

function native(): readonly Way[] {
  const kvFiles = readingParts("f16", kvF16Native);
  return [
    {
      name: "tiled_f16",
      suits: (traits) => traits.f16 && !traits.software,
      runs: (traits) => traits.f16,
      files: [byTile, ...kvFiles],
      enable: ["f16"],
      ...tile,
    },
    {
      name: "subgroup_f16",
      suits: (traits) => traits.f16 && traits.subgroups && !traits.software,
      runs: (traits) => traits.f16 && traits.subgroups,
      files: [byWorkgroup, teamSubgroup, ...kvFiles],
      enable: ["f16", "subgroups"],
      ...team,
    },
    {
      name: "workgroup_f16",
      suits: (traits) => traits.f16 && !traits.software,
      runs: (traits) => traits.f16,
      files: [byWorkgroup, teamWorkgroup, ...kvFiles],
      enable: ["f16"],
      ...team,
    },
  ];
}

function shared(kvFiles: readonly string[]): readonly Way[] {
  return [
    {
      name: "tiled",
      suits: (traits) => !traits.software,
      runs: () => true,
      files: [byTile, ...kvFiles],
      enable: [],
      ...tile,
    },
    {
      name: "subgroup",
      suits: (traits) => traits.subgroups && !traits.software,
      runs: (traits) => traits.subgroups,
      files: [byWorkgroup, teamSubgroup, ...kvFiles],
      enable: ["subgroups"],
      ...team,
    },
    {
      name: "workgroup",
      suits: (traits) => !traits.software,
      runs: () => true,
      files: [byWorkgroup, teamWorkgroup, ...kvFiles],
      enable: [],
      ...team,
    },
    {
      name: "invocation",
      suits: () => true,
      runs: () => true,
      files: [byInvocation, ...kvFiles],
      enable: [],
      ...alone,
    },
  ];
}

function variant(way: Way, headDim: number): Variant<typeof params> {
  return {
    name: way.name,
    suits: way.suits,
    runs: way.runs,
    ...(way.rows && { rows: way.rows }),
    parts: [...way.files, head, scores, softmax, batch, slots, tanh, grid].map((wgsl) => ({ wgsl })),
    constants: () => ({ WORKGROUP: way.lanes, HEAD_QUADS: headDim / 4, PAGE_TOKENS }),
    enable: way.enable,
    grid: (given, rows) => way.grid(given, rows),
  };
}
