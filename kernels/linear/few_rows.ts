// A linear layer for up to 16 rows of x, one pass over the weights: by teams of lanes.

import { type DeviceTraits, foldedGrid, type ParamsOf, type ParamTypes, type Variant } from "../kernel";
import { GROUP_WEIGHTS } from "../quant/format";
import blocks from "./blocks.wgsl?raw";
import fewRows from "./few_rows.wgsl?raw";
import fewRowsInt8 from "./few_rows_int8.wgsl?raw";
import fewRowsStaged from "./few_rows_staged.wgsl?raw";
import int8 from "./int8.wgsl?raw";
import invocation from "./invocation.wgsl?raw";
import products from "./products.wgsl?raw";
import { type How, type LinearShape, MOST_ROWS, subgroupsSuffice, workgroupsOf } from "./shape";
import split from "./split.wgsl?raw";
import subgroup from "./subgroup.wgsl?raw";
import teamWeights from "./team_weights.wgsl?raw";
import workgroup from "./workgroup.wgsl?raw";

/** Sharing columns among teams: split.wgsl says the same. */
const MOST_SPLITS = 4;
/** Times 32 lanes: the groups that few_rows_staged.wgsl keeps in memory. */
const STAGED_SPLITS = 2;
const ENOUGH_ROWS = 4096;
/** Bits per weight up to which a lane has enough weights in flight only with four rows of the matrix. */
const NARROW_BITS = 7;

/** Groups of 32 columns of x, in eight bits, that the memory of few_rows_int8.wgsl holds: of as many rows as a block has. */
const INT8_ENTRIES = 128;

export function fewRowsVariants(shape: LinearShape): readonly Variant[] {
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

export function int8Variants(shape: LinearShape): readonly Variant[] {
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

/** A lane for itself: no barriers. */
export function alone(shape: LinearShape): How {
  return teams(shape, {
    x: [products, fewRows],
    files: [invocation],
    workgroupSize: 16,
    lanes: () => 1,
    teamRows: () => 2,
    splits: 1,
  });
}

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
    parts: [...shape.shared, ...shape.input, ...[blocks, teamWeights, ...x, ...files].map((wgsl) => ({ wgsl }))],
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
