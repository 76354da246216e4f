// Gives every value of a plan a scratch buffer. A buffer goes back to the pool after the last operation that reads it.
// Several small buffers, not one arena: drivers track hazards by whole buffers, and WebGPU forbids reading and writing
// one buffer in the same dispatch.

import type { RowKind, Value } from "../graph/graph";
import { intoOf, outsOf, type PlanOp, readsOf } from "./ops";

/** A scratch buffer: `width` f32 per row. */
export interface Scratch {
  readonly rows: RowKind;
  width: number;
}

/** The scratch buffer of the graph's result, in every plan. */
export const OUTPUT_SCRATCH = 0;

/**
 * @param scratch Filled: the buffers of an earlier plan, which are used again, or none. Plans never run at once.
 * @returns Value id to index in `scratch`.
 */
export function planBuffers(ops: readonly PlanOp[], output: Value, scratch: Scratch[]): ReadonlyMap<number, number> {
  if (scratch.length === 0) scratch.push({ rows: output.rows, width: output.width });
  const of = new Map([[output.id, OUTPUT_SCRATCH]]);
  const free = scratch.map((_, index) => index).filter((index) => index !== OUTPUT_SCRATCH);
  const lastUse = lastUses(ops, output);

  ops.forEach((op, at) => {
    const into = intoOf(op);
    const outs = outsOf(op);
    for (const out of outs) {
      if (of.has(out.id)) continue;
      of.set(out.id, into && out === outs[0] ? of.get(into.id)! : take(scratch, free, out));
    }
    // Freed only now, so that an operation's result never shares a buffer with what it reads.
    const held = new Set(outs.map(({ id }) => of.get(id)!));
    for (const id of new Set(readsOf(op).map((value) => value.id))) {
      const buffer = of.get(id)!;
      if (lastUse.get(id) === at && !held.has(buffer)) free.push(buffer);
    }
  });
  return of;
}

function lastUses(ops: readonly PlanOp[], output: Value): ReadonlyMap<number, number> {
  const last = new Map<number, number>();
  ops.forEach((op, at) => {
    for (const value of readsOf(op)) last.set(value.id, at);
  });
  last.set(output.id, Number.POSITIVE_INFINITY);
  return last;
}

/** The free buffer that fits most tightly, a narrower one widened, or a new one. */
function take(scratch: Scratch[], free: number[], value: Value): number {
  const fit = free
    .filter((index) => scratch[index]!.rows === value.rows)
    .sort((a, b) => Math.abs(scratch[a]!.width - value.width) - Math.abs(scratch[b]!.width - value.width))[0];
  if (fit === undefined) return scratch.push({ rows: value.rows, width: value.width }) - 1;
  free.splice(free.indexOf(fit), 1);
  scratch[fit]!.width = Math.max(scratch[fit]!.width, value.width);
  return fit;
}
