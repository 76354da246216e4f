// The ways to compute a linear layer: for few rows of x by teams of lanes, for many by tiles.

import {
  type DeviceTraits,
  foldedGrid,
  type MatrixSize,
  type ParamsOf,
  type ParamTypes,
  type Variant,
} from "../kernel";
import type { Part } from "../linker";
import { GROUP_WEIGHTS } from "../quant/format";
import blocks from "./blocks.wgsl?raw";
import fewRows from "./few_rows.wgsl?raw";
import fewRowsInt8 from "./few_rows_int8.wgsl?raw";
import fewRowsStaged from "./few_rows_staged.wgsl?raw";
import int8 from "./int8.wgsl?raw";
import invocation from "./invocation.wgsl?raw";
import products from "./products.wgsl?raw";
import split from "./split.wgsl?raw";
import stageF16 from "./stage_f16.wgsl?raw";
import stageF32 from "./stage_f32.wgsl?raw";
import stageMatrixF16 from "./stage_matrix_f16.wgsl?raw";
import stageMatrixF32 from "./stage_matrix_f32.wgsl?raw";
import subgroup from "./subgroup.wgsl?raw";
import subgroupMatrix from "./subgroup_matrix.wgsl?raw";
import tile from "./tile.wgsl?raw";
import tileFloats from "./tile_floats.wgsl?raw";
import tileInt8 from "./tile_int8.wgsl?raw";
import tileMatrix from "./tile_matrix.wgsl?raw";
import tileRows from "./tile_rows.wgsl?raw";
import workgroup from "./workgroup.wgsl?raw";

/** A linear layer with its formats and options chosen. */
export interface LinearShape {
  /** Loaders, bindings, and which rows are whose. */
  readonly shared: readonly Part[];
  /** What is multiplied, where rows are few. */
  readonly input: readonly Part[];
  readonly flags: Readonly<Record<"MATRICES" | "NORM" | "BIAS" | "ACCUMULATE" | "GATHER", number>>;
  readonly gated: boolean;
  /** May x be rounded to eight bits? */
  readonly int8: boolean;
  /** Per weight, of the widest format. */
  readonly bits: number;
  /** Does it serve more rows than {@link MOST_ROWS}? */
  readonly tiles: boolean;
}

/** Rows of x that one pass over the weights serves at most. */
export const MOST_ROWS = 16;
/** Rows of the matrix, and of x, that a workgroup of the tiled variants computes, with twice as many invocations. */
const TILE = 64;
/** Sharing columns among teams: split.wgsl says the same. */
const MOST_SPLITS = 4;
/** Times 32 lanes: the groups that few_rows_staged.wgsl keeps in memory. */
const STAGED_SPLITS = 2;
const ENOUGH_ROWS = 4096;
/** Bits per weight up to which a lane has enough weights in flight only with four rows of the matrix. */
const NARROW_BITS = 7;

/** Workgroup memory of the tiled variants on subgroup matrices, at most: staged rows, and sums of half a tile. */
const MATRIX_BYTES = 28_672;

/** Groups of 32 columns of x, in eight bits, that the memory of few_rows_int8.wgsl holds: of as many rows as a block has. */
const INT8_ENTRIES = 128;

export function linearVariants(shape: LinearShape): readonly Variant[] {
  return [...(shape.int8 ? int8Variants(shape) : fewRowsVariants(shape)), ...(shape.tiles ? tileVariants(shape) : [])];
}

function fewRowsVariants(shape: LinearShape): readonly Variant[] {
  const onSubgroups = { files: [split, subgroup], enable: ["subgroups"] as const, lanes: subgroupLanes };
  const inWorkgroups = { files: [workgroup], splits: 1 };
  const direct = { x: [products, fewRows] };
  // Once for a workgroup. More than one row takes turns, while the weights of a group stay in registers: of two rows.
  const staged = {
    x: [products, fewRowsStaged],
    teamRows: (rows: number) => (rows === 1 ? mostTeamRows(shape)(1) : 2),
  };
  return [
    {
      name: "subgroup",
      suits: (traits) => subgroupsSuffice(traits) && !traits.software,
      runs: subgroupsSuffice,
      ...teams(shape, {
        ...onSubgroups,
        ...direct,
        workgroupSize: 128,
        teamRows: mostTeamRows(shape),
        splits: MOST_SPLITS,
      }),
    },
    // Twice the teams, each with half of the work: for GPUs that a small matrix leaves idle otherwise.
    {
      name: "subgroup_2",
      suits: () => false,
      runs: subgroupsSuffice,
      ...teams(shape, { ...onSubgroups, ...direct, workgroupSize: 64, teamRows: () => 2, splits: MOST_SPLITS }),
    },
    // Where lines of the nearest cache are scarce. Lines that T teams of four rows touch of x, memory and 4-bit weights, to the
    // cycles that an H100's SM waits for the weights: 2 teams 65 %, 4 teams 50 %, 8 teams 43 % and half as many workgroups.
    {
      name: "subgroup_staged",
      suits: () => false,
      runs: subgroupsSuffice,
      ...teams(shape, { ...onSubgroups, ...staged, workgroupSize: 128, splits: STAGED_SPLITS }),
    },
    {
      name: "workgroup",
      suits: (traits) => !traits.software,
      runs: () => true,
      ...teams(shape, { ...inWorkgroups, ...direct, workgroupSize: 64, lanes: () => 16, teamRows: () => 2 }),
    },
    // Longer teams with more rows each: for GPUs without subgroups that have many lanes to feed per workgroup. Where there are
    // subgroups, neither takes part in the tuning: each candidate costs compiling.
    {
      name: "workgroup_128",
      suits: () => false,
      runs: (traits) => !subgroupsSuffice(traits),
      ...teams(shape, {
        ...inWorkgroups,
        ...direct,
        workgroupSize: 128,
        lanes: () => 32,
        teamRows: mostTeamRows(shape),
      }),
    },
    {
      name: "workgroup_staged",
      suits: () => false,
      runs: (traits) => !subgroupsSuffice(traits),
      ...teams(shape, { ...inWorkgroups, ...staged, workgroupSize: 128, lanes: () => 32 }),
    },
    { name: "invocation", suits: () => true, ...alone(shape) },
  ];
}

function int8Variants(shape: LinearShape): readonly Variant[] {
  const x = [int8, fewRowsInt8];
  return [
    {
      name: "subgroup",
      int8: true,
      suits: (traits) => traits.packedDot && subgroupsSuffice(traits),
      ...teams(shape, {
        x,
        files: [split, subgroup],
        enable: ["subgroups"],
        workgroupSize: 128,
        lanes: subgroupLanes,
        teamRows: () => 4,
        splits: 1,
      }),
    },
    {
      name: "workgroup",
      int8: true,
      suits: (traits) => traits.packedDot,
      ...teams(shape, { x, files: [workgroup], workgroupSize: 64, lanes: () => 16, teamRows: () => 2, splits: 1 }),
    },
  ];
}

/**
 * For prefill. Where x may be rounded it need not be: the exact variants stand behind, for devices where the rounding one
 * is wrong, is slower by measuring, or cannot run. None that rounds stands behind an exact one.
 */
function tileVariants(shape: LinearShape): readonly Variant[] {
  const rows = [MOST_ROWS + 1, Number.POSITIVE_INFINITY] as const;
  const rounding: Variant = {
    name: "tile_int8",
    int8: true,
    suits: (traits) => traits.packedDot && !traits.software,
    runs: (traits) => traits.packedDot,
    rows,
    ...tiles(shape, [int8, tileInt8]),
  };
  return [
    ...(shape.int8 ? [rounding] : []),
    {
      name: "tile",
      suits: (traits) => !traits.software,
      runs: () => true,
      rows,
      ...tiles(shape, [stageF32, tileFloats]),
    },
    {
      name: "tile_f16",
      suits: () => false,
      runs: (traits) => traits.f16,
      rows,
      enable: ["f16"],
      ...tiles(shape, [stageF16, tileFloats]),
    },
    // Not meant for any device before they are measured on GPUs.
    {
      name: "tile_matrix",
      suits: () => false,
      runs: (traits) => traits.f16 && matricesFit(traits, traits.matrixF16),
      rows,
      enable: ["f16", "subgroups", "chromium_experimental_subgroup_matrix"],
      ...matrixTiles(shape, stageMatrixF16, (traits) => traits.matrixF16),
    },
    {
      name: "tile_matrix_f32",
      suits: () => false,
      runs: (traits) => matricesFit(traits, traits.matrixF32),
      rows,
      enable: ["subgroups", "chromium_experimental_subgroup_matrix"],
      ...matrixTiles(shape, stageMatrixF32, (traits) => traits.matrixF32),
    },
    // 16 rows of x at a time: for software adapters.
    { name: "invocation_many", suits: () => true, ...alone({ ...shape, int8: false }), rows },
  ];
}

function alone(shape: LinearShape): How {
  return teams(shape, {
    x: [products, fewRows],
    files: [invocation],
    workgroupSize: 16,
    lanes: () => 1,
    teamRows: () => 2,
    splits: 1,
  });
}

type How = Pick<Variant, "rows" | "parts" | "constants" | "grid" | "enable">;

/** How teams form. */
interface Teams {
  /** How they read x and multiply: few_rows*.wgsl. */
  readonly x: readonly string[];
  readonly files: readonly string[];
  readonly enable?: Variant["enable"];
  readonly workgroupSize: number;
  readonly lanes: (traits: DeviceTraits) => number;
  /** Rows of the matrix that a team computes, 2 or 4, for so many rows of x. */
  readonly teamRows: (rows: number) => number;
  /** Teams that share the columns of small matrices, at most. */
  readonly splits: number;
}

function teams(shape: LinearShape, { x, files, enable, workgroupSize, lanes, teamRows, splits }: Teams): How {
  const rowsOf = (rows: number) => Math.min(rows, MOST_ROWS);
  return {
    enable,
    rows: [1, MOST_ROWS],
    parts: [...shape.shared, ...shape.input, ...[blocks, ...x, ...files].map((wgsl) => ({ wgsl }))],
    constants: (rows, traits) => ({
      ...shape.flags,
      ROWS: rowsOf(rows),
      LANES: lanes(traits),
      TEAM_ROWS: teamRows(rows),
      WORKGROUP: workgroupSize,
      MOST_SPLITS: splits,
      ...(shape.int8 && { CHUNK: rows > 4 ? lanes(traits) : INT8_ENTRIES / rows }),
    }),
    grid: (params, rows, traits) => {
      const count = workgroupSize / lanes(traits);
      const shared = splitOf(shape, params, lanes(traits), Math.min(splits, count));
      const perWorkgroup = (teamRows(rows) * count) / shared;
      return foldedGrid(workgroupsOf(shape, params, perWorkgroup), Math.ceil(rows / rowsOf(rows)));
    },
  };
}

function subgroupLanes({ subgroupMin }: DeviceTraits): number {
  return Math.min(32, subgroupMin);
}

/** Four where weights are narrow and the rows of x leave registers for it, otherwise two. */
function mostTeamRows({ bits }: LinearShape): (rows: number) => number {
  return (rows) => (bits <= NARROW_BITS && rows <= 2 ? 4 : 2);
}

/** Teams that share the columns of the same rows: split_of in split.wgsl. */
function splitOf({ flags }: LinearShape, params: ParamsOf<ParamTypes>, lanes: number, most: number): number {
  let rows = 0;
  for (let at = 0; at < flags.MATRICES; at++) rows += params[`rows_${at}`]!;
  const steps = Math.ceil(Math.ceil(params.cols! / GROUP_WEIGHTS) / lanes);
  let split = 1;
  while (split < most && split * rows < ENOUGH_ROWS && 2 * split <= steps) split *= 2;
  return split;
}

/** @param multiplied How the tile's rows are staged and multiplied. */
function tiles(shape: LinearShape, multiplied: readonly string[]): How {
  return {
    parts: [...shape.shared, ...[tileRows, ...multiplied, tile].map((wgsl) => ({ wgsl }))],
    constants: () => shape.flags,
    grid: (params, rows) => foldedGrid(workgroupsOf(shape, params, TILE), Math.ceil(rows / TILE)),
  };
}

function matrixTiles(shape: LinearShape, stage: string, sizeOf: (traits: DeviceTraits) => MatrixSize | undefined): How {
  return {
    parts: [...shape.shared, ...[tileRows, stage, subgroupMatrix, tileMatrix].map((wgsl) => ({ wgsl }))],
    constants: (_, traits) => {
      const { m, n, k } = sizeOf(traits)!;
      return { ...shape.flags, MATRIX_M: m, MATRIX_N: n, MATRIX_K: k, ...matrixParts({ m, n, k }, traits) };
    },
    grid: (params, rows) => foldedGrid(workgroupsOf(shape, params, TILE), Math.ceil(rows / TILE)),
  };
}

/**
 * How subgroups share a tile, as few as a workgroup may have: parts as square as can be, of whole matrices. What they write
 * at a time is half a tile at most.
 */
function matrixParts({ m, n }: MatrixSize, { subgroupMax }: DeviceTraits) {
  let [x, w] = [1, 1];
  while (2 * x * w * subgroupMax <= 2 * TILE) {
    if (x <= w && x * m < TILE / 2) x *= 2;
    else if (w * n < TILE) w *= 2;
    else break;
  }
  return { X_PARTS: x, W_PARTS: w };
}

/** The workgroup must be whole subgroups of any size. */
function matricesFit(traits: DeviceTraits, size: MatrixSize | undefined): boolean {
  if (!size || !subgroupsSuffice(traits) || (2 * TILE) % traits.subgroupMax !== 0) return false;
  return traits.maxWorkgroupBytes >= MATRIX_BYTES && size.m <= TILE && size.n <= TILE && size.k <= GROUP_WEIGHTS;
}

/** Four lanes are the least that the language allows; fewer would mean that the adapter does not tell. */
function subgroupsSuffice(traits: DeviceTraits): boolean {
  return traits.subgroups && traits.subgroupMin >= 4;
}

/**
 * Workgroups that compute `perWorkgroup` rows of a matrix each: task_of in rows_plain.wgsl and rows_gated.wgsl. Where the
 * stack is gated, half of them are the gate's.
 */
function workgroupsOf({ flags, gated }: LinearShape, params: ParamsOf<ParamTypes>, perWorkgroup: number): number {
  if (gated) return Math.ceil(params.rows_0! / (3 - flags.MATRICES) / (perWorkgroup / 2));
  let workgroups = 0;
  for (let at = 0; at < flags.MATRICES; at++) workgroups += Math.ceil(params[`rows_${at}`]! / perWorkgroup);
  return workgroups;
}
