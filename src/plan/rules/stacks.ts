// Matrices that read the same row, in one dispatch.

import type { RopeSpec, Value } from "../../graph/graph";
import type { LinearOp, PlanOp, Qkv } from "../ops";
import { producer, type Rule, type RuleContext, replaced, soleReader } from "./rule";

/** Plain linears (no residual, no gate) of one value under one norm. */
export function sameInput(linears: readonly LinearOp[]): boolean {
  const [first, ...others] = linears;
  const plain = linears.every(({ into, gated, sandwich, gather }) => !into && !gated && !sandwich && !gather);
  return plain && others.every(({ x, norm }) => x.id === first!.x.id && equal(norm, first!.norm));
}

interface AttentionBlock {
  readonly linears: readonly LinearOp[];
  /** Rope, norms and the append, which the attention takes over. */
  readonly absorbed: readonly PlanOp[];
  readonly qkv: Qkv;
}

/** @param lower How the plan attends: one dispatch when decoding, two in prefill. */
export function attentionBlock(
  name: string,
  why: string,
  lower: (attention: Extract<PlanOp, { op: "attention" }>, qkv: Qkv, context: RuleContext) => readonly PlanOp[],
): Rule {
  return {
    name,
    why,
    apply: (ops, context) => {
      const by = new Map<PlanOp, readonly PlanOp[]>();
      ops.forEach((op, at) => {
        if (op.op !== "attention") return;
        const block = blockOf(ops, op, at, context);
        if (!block) return;
        const [first, ...others] = block.linears;
        const biases = block.linears.flatMap((linear) => linear.biases ?? []);
        for (const gone of [...others, ...block.absorbed]) by.set(gone, []);
        by.set(first!, [
          {
            ...first!,
            weights: block.linears.flatMap(({ weights }) => weights),
            ...(biases.length > 0 && { biases }),
            out: block.qkv.value,
          },
        ]);
        by.set(op, lower(op, block.qkv, context));
      });
      return replaced(ops, by);
    },
  };
}

/** q, k and v of an attention, when they are linears of one row with at most a head norm and rope between. */
function blockOf(
  ops: readonly PlanOp[],
  attention: Extract<PlanOp, { op: "attention" }>,
  at: number,
  { output, fresh, stackable }: RuleContext,
): AttentionBlock | undefined {
  const append = ops.slice(0, at).findLast((op) => op.op === "kv_append" && op.spec === attention.spec);
  if (append?.op !== "kv_append") return undefined;
  const q = headsOf(ops, attention.q, at, attention, output);
  const k = headsOf(ops, append.k, at, append, output);
  const v = headsOf(ops, append.v, at, append, output);
  if (!q || !k || !v || v.rope || !equal(q.rope?.rope, k.rope?.rope)) return undefined;
  const norms = [q.rope?.norm, k.rope?.norm];
  if (!norms[0] !== !norms[1] || norms[0]?.eps !== norms[1]?.eps) return undefined;
  const linears = [q.linear, k.linear, v.linear];
  if (!sameInput(linears) || new Set(linears.map(({ biases }) => !biases)).size > 1) return undefined;
  if (!stackable(linears.flatMap(({ weights }) => weights))) return undefined;
  const { headDim } = attention.spec;
  const width = linears.reduce((sum, { out }) => sum + out.width, 0);
  return {
    linears,
    absorbed: [append, ...[q.rope, k.rope].filter((rope) => rope !== undefined)],
    qkv: {
      value: fresh("tokens", width),
      heads: attention.q.width / headDim,
      kvHeads: attention.kvHeads,
      ...(norms[0] && norms[1] && { headNorm: { q: norms[0].gain, k: norms[1].gain, eps: norms[0].eps } }),
      ...(q.rope && { rope: q.rope.rope }),
    },
  };
}

interface Heads {
  readonly linear: LinearOp;
  readonly rope?: Extract<PlanOp, { op: "rope" }>;
}

/** The linear behind heads that only `reader` reads, and the rope (with its norm) between. */
function headsOf(ops: readonly PlanOp[], value: Value, at: number, reader: PlanOp, output: Value): Heads | undefined {
  if (soleReader(ops, value, output) !== reader) return undefined;
  const made = producer(ops, value, at);
  if (made?.op === "linear") return { linear: made };
  if (made?.op !== "rope") return undefined;
  const linear = producer(ops, made.x, at);
  if (linear?.op !== "linear" || soleReader(ops, made.x, output) !== made) return undefined;
  return { linear, rope: made };
}

/** Small records of numbers, names and shapes. */
function equal(a: RopeSpec | LinearOp["norm"], b: RopeSpec | LinearOp["norm"]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
