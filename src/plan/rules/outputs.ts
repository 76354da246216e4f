import type { PlanOp } from "../ops";
import { producer, type Rule, replaced, soleReader } from "./rule";

export const requestedRowsIntoHead: Rule = {
  name: "requested rows into the head",
  why: "The head can look up by itself which rows were asked for: no dispatch that copies them.",
  apply: (ops, { output }) => {
    const by = new Map<PlanOp, readonly PlanOp[]>();
    ops.forEach((op, at) => {
      if (op.op !== "linear") return;
      const rows = producer(ops, op.x, at);
      if (rows?.op !== "output_rows" || soleReader(ops, rows.out, output) !== op) return;
      by.set(rows, []);
      by.set(op, [{ ...op, x: rows.x, gather: true }]);
    });
    return replaced(ops, by);
  },
};
