// Gated feed-forward blocks: activation(gate) · up.

import type { PlanOp } from "../ops";
import { producer, type Rule, replaced, soleReader } from "./rule";
import { sameInput } from "./stacks";

export const activationAndProduct: Rule = {
  name: "activation and product",
  why: "The gate of a gated feed-forward block is used once, by the product.",
  apply: (ops, { output }) =>
    ops.flatMap((op, at): PlanOp[] => {
      if (op.op === "unary" && soleReader(ops, op.out, output)?.op === "mul") return [];
      if (op.op !== "mul") return [op];
      for (const [act, other] of [
        [op.a, op.b],
        [op.b, op.a],
      ] as const) {
        const unary = producer(ops, act, at);
        if (unary?.op === "unary" && soleReader(ops, unary.out, output) === op)
          return [{ op: "gated", kind: unary.kind, a: unary.x, b: other, out: op.out }];
      }
      return [op];
    }),
};

export const gateAndUp: Rule = {
  name: "gate and up in one linear",
  why: "Both read the same row; who computes a row of each has what the product needs.",
  apply: (ops, { output, stackable }) => {
    const by = new Map<PlanOp, readonly PlanOp[]>();
    ops.forEach((op, at) => {
      if (op.op !== "gated") return;
      const [gate, up] = [producer(ops, op.a, at), producer(ops, op.b, at)];
      if (gate?.op !== "linear" || up?.op !== "linear" || !sameInput([gate, up])) return;
      if (gate.biases || up.biases || gate.out.width !== up.out.width) return;
      if ([gate, up].some(({ out }) => soleReader(ops, out, output) !== op)) return;
      const weights = [...gate.weights, ...up.weights];
      if (!stackable(weights)) return;
      by.set(gate, []);
      by.set(up, []);
      by.set(op, [{ ...gate, weights, gated: op.kind, out: op.out }]);
    });
    return replaced(ops, by);
  },
};
