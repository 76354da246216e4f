// Norms that ride along with the operation that reads them.

import type { PlanOp } from "../ops";
import { producer, type Rule, readers, replaced, soleReader } from "./rule";

type RmsNormOp = Extract<PlanOp, { op: "rms_norm" }>;

export const headNormIntoRope: Rule = {
  name: "head norm into rope",
  why: "Both work on one head at a time. Before `norm into linear`, which would not fit a norm per head.",
  apply: (ops, { output }) =>
    ops.flatMap((op, at): PlanOp[] => {
      if (op.op === "rms_norm") {
        const reader = soleReader(ops, op.out, output);
        if (reader?.op === "rope" && reader.headDim === op.weight.shape[0]) return [];
      }
      if (op.op !== "rope") return [op];
      const norm = producer(ops, op.x, at);
      if (norm?.op !== "rms_norm" || norm.weight.shape[0] !== op.headDim) return [op];
      if (soleReader(ops, norm.out, output) !== op) return [op];
      return [{ ...op, x: norm.x, norm: { gain: norm.weight, eps: norm.eps } }];
    }),
};

export const normIntoLinear: Rule = {
  name: "norm into linear",
  why: "A linear reads its whole row anyway: it sums the squares meanwhile and scales its result once at the end.",
  apply: (ops, { output }) => {
    const fits = (norm: PlanOp | undefined): norm is RmsNormOp =>
      norm?.op === "rms_norm" &&
      !norm.into &&
      norm.weight.shape[0] === norm.x.width &&
      norm.out.id !== output.id &&
      readers(ops, norm.out).every((reader) => reader.op === "linear" && reader.x.id === norm.out.id);
    return ops.flatMap((op, at): PlanOp[] => {
      if (fits(op)) return [];
      if (op.op !== "linear") return [op];
      const norm = producer(ops, op.x, at);
      return [fits(norm) ? { ...op, x: norm.x, norm: { gain: norm.weight, eps: norm.eps } } : op];
    });
  },
};

export const sandwichIntoLinear: Rule = {
  name: "sandwich norm into the next linear",
  why: "A norm on the way back into the residual needs the whole row, as the linear after it does: it computes the sum itself.",
  apply: (ops) => {
    const by = new Map<PlanOp, readonly PlanOp[]>();
    ops.forEach((op, at) => {
      if (op.op !== "rms_norm" || !op.into || op.weight.shape[0] !== op.x.width) return;
      const [next, ...later] = ops.slice(at + 1).filter((reader) => readers([reader], op.out).length > 0);
      if (next?.op !== "linear" || next.x.id !== op.out.id || !next.norm || next.into || next.sandwich) return;
      const sandwich = { add: op.x, gain: op.weight, eps: op.eps, ...(later.length > 0 && { sum: op.out }) };
      by.set(op, []);
      by.set(next, [{ ...next, x: op.into, sandwich }]);
    });
    return replaced(ops, by);
  },
};
