// What the ways to compute a linear layer have in common: the layer, and the workgroups that its rows need.

import type { DeviceTraits, ParamsOf, ParamTypes, Variant } from "../kernel";
import type { Part } from "../linker";

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
}

/** Rows of x that one pass over the weights serves at most. */
export const MOST_ROWS = 16;

/** A variant but for its name and the devices that it is for. */
export type How = Pick<Variant, "rows" | "parts" | "constants" | "grid" | "enable">;

/** Four lanes are the least that the language allows; fewer would mean that the adapter does not tell. */
export function subgroupsSuffice(traits: DeviceTraits): boolean {
  return traits.subgroups && traits.subgroupMin >= 4;
}

/**
 * Workgroups that compute `perWorkgroup` rows of a matrix each: task_of in rows_plain.wgsl and rows_gated.wgsl. Where the
 * stack is gated, half of them are the gate's.
 */
export function workgroupsOf(
  { flags, gated }: LinearShape,
  params: ParamsOf<ParamTypes>,
  perWorkgroup: number,
): number {
  if (gated) return Math.ceil(params.rows_0! / (3 - flags.MATRICES) / (perWorkgroup / 2));
  let workgroups = 0;
  for (let at = 0; at < flags.MATRICES; at++) workgroups += Math.ceil(params[`rows_${at}`]! / perWorkgroup);
  return workgroups;
}
