// Which operations are joined into one dispatch. Each rule is one function from a list of operations to a shorter one
// that computes the same; models know nothing of them. Order matters where the reasons say so.

import type { Graph, Value } from "../graph/graph";
import { outOf, type PlanOp, readsOf } from "./ops";

interface Rule {
  readonly name: string;
  readonly why: string;
  readonly apply: (ops: readonly PlanOp[], output: Value) => PlanOp[];
}

export const FUSION_RULES: readonly Rule[] = [
  {
    name: "head norm into rope",
    why: "Both work on one head at a time. Before `norm into linear`, which would not fit a norm per head.",
    apply: (ops, output) =>
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
  },
  {
    name: "norm into linear",
    why: "A linear reads its whole row anyway: it sums the squares meanwhile and scales its result once at the end.",
    apply: (ops, output) => {
      const fits = (norm: PlanOp | undefined): norm is Extract<PlanOp, { op: "rms_norm" }> =>
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
  },
  {
    name: "activation and product",
    why: "The gate of a gated feed-forward block is used once, by the product.",
    apply: (ops, output) =>
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
  },
  {
    name: "residual add into its producer",
    why: "The sum is the only use of a projection (or of a sandwich norm) and the last use of the residual: add in place.",
    apply: (ops, output) => {
      const absorbed = new Map<PlanOp, PlanOp>();
      const dropped = new Set<PlanOp>();
      ops.forEach((op, at) => {
        if (op.op !== "add") return;
        for (const [part, residual] of [
          [op.b, op.a],
          [op.a, op.b],
        ] as const) {
          const source = producer(ops, part, at);
          if (source?.op !== "linear" && source?.op !== "rms_norm") continue;
          if (source.into || absorbed.has(source) || soleReader(ops, source.out, output) !== op) continue;
          // Reading and writing one buffer in a dispatch is not allowed, and the residual must already be there.
          if (source.x.id === residual.id || residual.id === output.id) continue;
          const from = ops.indexOf(source);
          if (!ops.slice(0, from).some((earlier) => outOf(earlier)?.id === residual.id)) continue;
          if (
            ops.some(
              (reader, index) => index > from && reader !== op && readsOf(reader).some((v) => v.id === residual.id),
            )
          )
            continue;
          absorbed.set(source, { ...source, into: residual, out: op.out });
          dropped.add(op);
          return;
        }
      });
      return ops.filter((op) => !dropped.has(op)).map((op) => absorbed.get(op) ?? op);
    },
  },
];

/** Applies every rule of the table once, in order. */
export function fuse(ops: readonly PlanOp[], graph: Graph, rules: readonly Rule[] = FUSION_RULES): PlanOp[] {
  return rules.reduce<PlanOp[]>((list, rule) => rule.apply(list, graph.output), [...ops]);
}

function readers(ops: readonly PlanOp[], value: Value): PlanOp[] {
  return ops.filter((op) => readsOf(op).some((read) => read.id === value.id));
}

/** The operation that reads the value, if it does so once and no other does. */
function soleReader(ops: readonly PlanOp[], value: Value, output: Value): PlanOp | undefined {
  const reads = ops.flatMap((op) => readsOf(op).flatMap((read) => (read.id === value.id ? [op] : [])));
  return reads.length === 1 && value.id !== output.id ? reads[0] : undefined;
}

/** The operation before `at` that made `value`: the latest, since a value may be added into. */
function producer(ops: readonly PlanOp[], value: Value, at: number): PlanOp | undefined {
  return ops.slice(0, at).findLast((op) => outOf(op)?.id === value.id);
}
