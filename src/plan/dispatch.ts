import type { Kernel } from "../../kernels/kernel";
import { ROPE_STYLE } from "../../kernels/rope/rope";
import type { RopeSpec, RowKind } from "../graph/graph";
import type { BufferRef, PlannedDispatch } from "./plan";

/** Offset that says "this model has no such vector". */
export const NONE = 0xffff_ffff;

export function dispatch(
  rows: RowKind,
  kernel: Kernel,
  params: Readonly<Record<string, number>>,
  buffers: Readonly<Record<string, BufferRef>>,
): PlannedDispatch {
  return { kernel, params, buffers: { batch: { kind: "batch" }, ...buffers }, rows };
}

export function ropeStyle({ style }: RopeSpec): number {
  return ROPE_STYLE[style];
}
