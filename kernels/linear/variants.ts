// The ways to compute a linear layer: for few rows of x by teams of lanes, for many by tiles.

import { type DeviceTraits, foldedGrid, type ParamsOf, type ParamTypes, type Variant } from "../kernel";
import type { Part } from "../linker";
import fewRows from "./few_rows.wgsl?raw";
import invocation from "./invocation.wgsl?raw";
import stageF16 from "./stage_f16.wgsl?raw";
import stageF32 from "./stage_f32.wgsl?raw";
import subgroup from "./subgroup.wgsl?raw";
import tile from "./tile.wgsl?raw";
import workgroup from "./workgroup.wgsl?raw";

/** A linear layer with its formats and options chosen. */
export interface LinearShape {
  /** Loaders, bindings, and which rows are whose. */
  readonly shared: readonly Part[];
  /** What is multiplied, where rows are few. */
  readonly input: readonly Part[];
  readonly flags: Readonly<Record<"MATRICES" | "NORM" | "BIAS" | "ACCUMULATE" | "GATHER", number>>;
  readonly gated: boolean;
  /** Does it serve more rows than {@link MOST_ROWS}? */
  readonly tiles: boolean;
}

/** Rows of x that one pass over the weights serves at most. */
export const MOST_ROWS = 16;
/** Rows of the matrix, and of x, that a workgroup of the tiled variants computes. */
const TILE = 64;
/** Rows of the matrix that a team computes. */
const TEAM_ROWS = 2;

export function linearVariants(shape: LinearShape): readonly Variant[] {
  const hardware = { suits: (traits: DeviceTraits) => !traits.software, runs: () => true };
  return [
    {
      name: "subgroup",
      suits: (traits) => subgroupsSuffice(traits) && !traits.software,
      runs: subgroupsSuffice,
      enable: ["subgroups"],
      ...teams(shape, subgroup, 64, ({ subgroupMin }) => Math.min(32, subgroupMin)),
    },
    { name: "workgroup", ...hardware, ...teams(shape, workgroup, 64, () => 16) },
    ...(shape.tiles
      ? [
          { name: "tile", ...hardware, ...tiles(shape, stageF32) },
          {
            name: "tile_f16",
            suits: () => false,
            runs: (traits: DeviceTraits) => traits.f16,
            enable: ["f16"] as const,
            ...tiles(shape, stageF16),
          },
        ]
      : []),
    { name: "invocation", suits: () => true, ...teams(shape, invocation, 16, () => 1), ...allRows(shape) },
  ];
}

type How = Pick<Variant, "rows" | "parts" | "constants" | "grid">;

function teams(
  shape: LinearShape,
  wgsl: string,
  workgroupSize: number,
  lanesOf: (traits: DeviceTraits) => number,
): How {
  const rowsOf = (rows: number) => Math.min(rows, MOST_ROWS);
  return {
    rows: [1, MOST_ROWS],
    parts: [...shape.shared, ...shape.input, { wgsl: fewRows }, { wgsl }],
    constants: (rows, traits) => ({
      ...shape.flags,
      ROWS: rowsOf(rows),
      LANES: lanesOf(traits),
      TEAM_ROWS,
      WORKGROUP: workgroupSize,
    }),
    grid: (params, rows, traits) => {
      const perWorkgroup = TEAM_ROWS * (workgroupSize / lanesOf(traits));
      return foldedGrid(workgroupsOf(shape, params, perWorkgroup), Math.ceil(rows / rowsOf(rows)));
    },
  };
}

function tiles(shape: LinearShape, stage: string): How {
  return {
    rows: [MOST_ROWS + 1, Number.POSITIVE_INFINITY],
    parts: [...shape.shared, { wgsl: stage }, { wgsl: tile }],
    constants: () => shape.flags,
    grid: (params, rows) => foldedGrid(workgroupsOf(shape, params, TILE), Math.ceil(rows / TILE)),
  };
}

/** A variant that serves as many rows as there are. */
function allRows({ tiles }: LinearShape): Pick<Variant, "rows"> {
  return { rows: [1, tiles ? Number.POSITIVE_INFINITY : MOST_ROWS] };
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
