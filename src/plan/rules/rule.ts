// What a fusion rule is, and the questions that rules ask of a list of operations.

import type { RowKind, Value, WeightRef } from "../../graph/graph";
import { outsOf, type PlanOp, readsOf } from "../ops";

/** What rules may know beside the operations. */
export interface RuleContext {
  /** The graph's result: it must stay. */
  readonly output: Value;
  /** A value that no graph node made. */
  readonly fresh: (rows: RowKind, width: number) => Value;
  /** Can one dispatch read these matrices, one after the other? Sizes, formats and other users decide. */
  readonly stackable: (weights: readonly WeightRef[]) => boolean;
}

/** One way to join operations: from a list to a shorter one that computes the same. Models know nothing of it. */
export interface Rule {
  readonly name: string;
  readonly why: string;
  readonly apply: (ops: readonly PlanOp[], context: RuleContext) => PlanOp[];
}

export function readers(ops: readonly PlanOp[], value: Value): PlanOp[] {
  return ops.filter((op) => readsOf(op).some((read) => read.id === value.id));
}

/** The operation that reads the value, if it does so once and no other does. */
export function soleReader(ops: readonly PlanOp[], value: Value, output: Value): PlanOp | undefined {
  const reads = ops.flatMap((op) => readsOf(op).flatMap((read) => (read.id === value.id ? [op] : [])));
  return reads.length === 1 && value.id !== output.id ? reads[0] : undefined;
}

/** The operation before `at` that made `value`: the latest, since a value may be added into. */
export function producer(ops: readonly PlanOp[], value: Value, at: number): PlanOp | undefined {
  return ops.slice(0, at).findLast((op) => outsOf(op).some((out) => out.id === value.id));
}

/** The list with some operations replaced (by none: dropped). */
export function replaced(ops: readonly PlanOp[], by: ReadonlyMap<PlanOp, readonly PlanOp[]>): PlanOp[] {
  return ops.flatMap((op) => by.get(op) ?? [op]);
}
