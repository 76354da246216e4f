// The three ways to compute one item with a team of lanes, as variants of a kernel whose shader is written against
// common/team_*.wgsl: by a workgroup that reduces inside subgroups, by a workgroup, by one invocation alone.

import { foldedGrid, type ParamsOf, type ParamTypes, type Variant } from "../kernel";
import type { Part } from "../linker";
import grid from "./grid.wgsl?raw";
import invocation from "./team_invocation.wgsl?raw";
import subgroup from "./team_subgroup.wgsl?raw";
import workgroup from "./team_workgroup.wgsl?raw";

/** Lanes of a team; a multiple of every subgroup size on the market up to 64. */
const LANES = 64;
/** Items per workgroup where each invocation works alone: one SIMD register of the software adapters. */
const ITEMS = 8;

/**
 * @param parts The kernel's own files (and the shared ones it needs, apart from grid.wgsl).
 * @param items Items to compute for `rows` rows.
 * @param constants Linked beside WORKGROUP.
 */
export function teamVariants<P extends ParamTypes>(
  parts: readonly Part[],
  items: (params: ParamsOf<P>, rows: number) => number,
  constants: Readonly<Record<string, number>> = {},
): readonly Variant<P>[] {
  return [
    {
      name: "subgroup",
      suits: (traits) => traits.subgroups && !traits.software,
      runs: (traits) => traits.subgroups,
      parts: [{ wgsl: subgroup }, { wgsl: grid }, ...parts],
      constants: () => ({ WORKGROUP: LANES, ...constants }),
      enable: ["subgroups"],
      grid: (params, rows) => foldedGrid(items(params, rows)),
    },
    {
      name: "workgroup",
      suits: (traits) => !traits.software,
      runs: () => true,
      parts: [{ wgsl: workgroup }, { wgsl: grid }, ...parts],
      constants: () => ({ WORKGROUP: LANES, ...constants }),
      grid: (params, rows) => foldedGrid(items(params, rows)),
    },
    {
      name: "invocation",
      suits: () => true,
      parts: [{ wgsl: invocation }, { wgsl: grid }, ...parts],
      constants: () => ({ WORKGROUP: ITEMS, ...constants }),
      grid: (params, rows) => foldedGrid(Math.ceil(items(params, rows) / ITEMS)),
    },
  ];
}
