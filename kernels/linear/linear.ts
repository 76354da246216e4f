// A linear layer over quantized weights, with what often comes before and after it: RMSNorm of its input, a bias, the
// addition to a residual. One definition serves every weight format.

import batch from "../common/batch.wgsl?raw";
import grid from "../common/grid.wgsl?raw";
import { type DeviceTraits, defineKernel, foldedGrid, type ParamsOf, type Variant } from "../kernel";
import type { Part } from "../linker";
import { loaderParts, type WeightFormat } from "../quant/format";
import fewRows from "./few_rows.wgsl?raw";
import invocation from "./invocation.wgsl?raw";
import linearWgsl from "./linear.wgsl?raw";
import stageF16 from "./stage_f16.wgsl?raw";
import stageF32 from "./stage_f32.wgsl?raw";
import subgroup from "./subgroup.wgsl?raw";
import tile from "./tile.wgsl?raw";
import workgroup from "./workgroup.wgsl?raw";

export interface LinearOptions {
  /** RMSNorm of x on the way in: gain at `gain_at`, `eps`. */
  readonly norm?: boolean;
  /** Adds the bias at `bias_at`. */
  readonly bias?: boolean;
  /** Adds to y instead of overwriting it. */
  readonly accumulate?: boolean;
}

/** Meaning, units and shapes: `struct Params` of linear.wgsl. */
const PARAMS = {
  cols: "u32",
  rows: "u32",
  x_stride: "u32",
  y_at: "u32",
  y_stride: "u32",
  gain_at: "u32",
  bias_at: "u32",
  eps: "f32",
  on_outputs: "u32",
  section_1: "u32",
  section_2: "u32",
  section_3: "u32",
} as const;

type LinearVariant = Variant<typeof PARAMS>;

/** Rows of x that one pass over the weights serves at most. */
const MOST_ROWS = 16;
/** Rows of the matrix, and of x, that a workgroup of the tiled variants computes. */
const TILE = 64;
/** Rows of the matrix that a team computes: few_rows.wgsl. */
const W_ROWS = 2;

/**
 * `y[m, y_at + r] (+)= sum over k of w[r, k] · x[m, k] (+ bias[r])` for the rows r of one part of a matrix.
 *
 * Up to 16 rows, a row's result does not depend on the number of rows: equal bits alone and in a batch.
 */
export function linear(format: WeightFormat, options: LinearOptions = {}) {
  const { norm = false, bias = false, accumulate = false } = options;
  const flags = { NORM: Number(norm), BIAS: Number(bias), ACCUMULATE: Number(accumulate) };
  const shared: readonly Part[] = [...loaderParts(format), { wgsl: batch }, { wgsl: grid }, { wgsl: linearWgsl }];
  const suffix = `${norm ? "_norm" : ""}${bias ? "_bias" : ""}${accumulate ? "_accumulate" : ""}`;
  return defineKernel({
    name: `linear_${format.type.toLowerCase()}${suffix}`,
    bindings: { params: "uniform", batch: "uniform", x: "read", w: "read", vectors: "read", y: "read_write" },
    params: PARAMS,
    variants: [
      {
        name: "subgroup",
        suits: (traits) => subgroupsSuffice(traits) && !traits.software,
        runs: subgroupsSuffice,
        rows: [1, MOST_ROWS],
        enable: ["subgroups"],
        ...teamVariant(subgroup, shared, flags, 64, ({ subgroupMin }) => Math.min(32, subgroupMin)),
      },
      {
        name: "workgroup",
        suits: (traits) => !traits.software,
        runs: () => true,
        rows: [1, MOST_ROWS],
        ...teamVariant(workgroup, shared, flags, 64, () => 16),
      },
      tileVariant("tile", stageF32, shared, flags, { suits: (traits) => !traits.software, runs: () => true }),
      {
        ...tileVariant("tile_f16", stageF16, shared, flags, { suits: () => false, runs: (traits) => traits.f16 }),
        enable: ["f16"],
      },
      {
        name: "invocation",
        suits: () => true,
        ...teamVariant(invocation, shared, flags, 16, () => 1),
      },
    ],
  });
}

/** Four lanes are the least that the language allows; fewer would mean that the adapter does not tell. */
function subgroupsSuffice(traits: DeviceTraits): boolean {
  return traits.subgroups && traits.subgroupMin >= 4;
}

function teamVariant(
  wgsl: string,
  shared: readonly Part[],
  flags: Readonly<Record<string, number>>,
  workgroupSize: number,
  lanesOf: (traits: DeviceTraits) => number,
): Pick<LinearVariant, "parts" | "constants" | "grid"> {
  const rowsOf = (rows: number) => Math.min(rows, MOST_ROWS);
  return {
    parts: [...shared, { wgsl: fewRows }, { wgsl }],
    constants: (rows, traits) => ({
      ...flags,
      ROWS: rowsOf(rows),
      LANES: lanesOf(traits),
      WORKGROUP: workgroupSize,
    }),
    grid: (params, rows, traits) => {
      const perWorkgroup = W_ROWS * (workgroupSize / lanesOf(traits));
      return foldedGrid(Math.ceil(params.rows / perWorkgroup), Math.ceil(rows / rowsOf(rows)));
    },
  };
}

function tileVariant(
  name: string,
  stage: string,
  shared: readonly Part[],
  flags: Readonly<Record<string, number>>,
  taste: Pick<LinearVariant, "suits" | "runs">,
): LinearVariant {
  return {
    name,
    ...taste,
    rows: [MOST_ROWS + 1, Number.POSITIVE_INFINITY],
    parts: [...shared, { wgsl: stage }, { wgsl: tile }],
    constants: () => flags,
    grid: (params: ParamsOf<typeof PARAMS>, rows) => foldedGrid(Math.ceil(params.rows / TILE), Math.ceil(rows / TILE)),
  };
}
