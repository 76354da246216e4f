import { outsOf, type PlanOp, readsOf } from "../ops";
import { producer, type Rule, replaced, soleReader } from "./rule";

export const addIntoProducer: Rule = {
  name: "residual add into its producer",
  why: "The sum is the only use of a projection (or of a sandwich norm) and the last use of the residual: add in place.",
  apply: (ops, { output }) => {
    const by = new Map<PlanOp, readonly PlanOp[]>();
    ops.forEach((op, at) => {
      if (op.op !== "add" || op.out.id === output.id) return; // the result has a buffer of its own
      for (const [part, residual] of [
        [op.b, op.a],
        [op.a, op.b],
      ] as const) {
        const source = producer(ops, part, at);
        if (source?.op !== "linear" && source?.op !== "rms_norm") continue;
        if (source.into || by.has(source) || soleReader(ops, source.out, output) !== op) continue;
        if (source.op === "linear" && source.gated) continue;
        // Reading and writing one buffer in a dispatch is not allowed, and the residual must already be there.
        if (source.x.id === residual.id) continue;
        const from = ops.indexOf(source);
        if (!ops.slice(0, from).some((earlier) => outsOf(earlier).some(({ id }) => id === residual.id))) continue;
        const readLater = (reader: PlanOp, index: number) =>
          index > from && reader !== op && readsOf(reader).some(({ id }) => id === residual.id);
        if (ops.some(readLater)) continue;
        by.set(source, [{ ...source, into: residual, out: op.out }]);
        by.set(op, []);
        return;
      }
    });
    return replaced(ops, by);
  },
};
