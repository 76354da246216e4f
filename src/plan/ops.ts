// What the webgpu plan is made of before it becomes dispatches: graph nodes, some of them joined. `fuse.ts` joins them,
// `buffers.ts` gives each result a buffer, `lower.ts` turns each operation into dispatches.

import {
  type AttentionSpec,
  type Graph,
  inputsOf,
  type Node,
  type RopeSpec,
  type UnaryKind,
  type Value,
  type WeightRef,
} from "../graph/graph";

export interface FusedNorm {
  readonly gain: WeightRef;
  readonly eps: number;
}

export type PlanOp =
  | Extract<Node, { op: "embed" | "layer_norm" | "add" | "mul" | "unary" | "scale" | "softcap" | "output_rows" }>
  | {
      readonly op: "linear";
      readonly x: Value;
      readonly weight: WeightRef;
      readonly bias?: WeightRef;
      /** RMSNorm of `x` on the way in. */
      readonly norm?: FusedNorm;
      /** The result is added into this value's buffer, which `out` then names. */
      readonly into?: Value;
      readonly out: Value;
    }
  | {
      readonly op: "rms_norm";
      readonly x: Value;
      readonly weight: WeightRef;
      readonly eps: number;
      readonly into?: Value;
      readonly out: Value;
    }
  | {
      readonly op: "rope";
      readonly x: Value;
      readonly headDim: number;
      readonly rope: RopeSpec;
      /** RMSNorm of each head on the way in. */
      readonly norm?: FusedNorm;
      readonly out: Value;
    }
  | { readonly op: "kv_append"; readonly k: Value; readonly v: Value; readonly spec: AttentionSpec }
  | {
      readonly op: "attention";
      readonly q: Value;
      readonly kvWidth: number;
      readonly spec: AttentionSpec;
      readonly out: Value;
    }
  | { readonly op: "gated"; readonly kind: UnaryKind; readonly a: Value; readonly b: Value; readonly out: Value };

/** Values that an operation reads, the one it adds into included. */
export function readsOf(op: PlanOp): readonly Value[] {
  switch (op.op) {
    case "kv_append":
      return [op.k, op.v];
    case "attention":
      return [op.q];
    case "gated":
      return [op.a, op.b];
    case "linear":
    case "rms_norm":
      return op.into ? [op.x, op.into] : [op.x];
    case "rope":
      return [op.x];
    default:
      return inputsOf(op);
  }
}

export function outOf(op: PlanOp): Value | undefined {
  return op.op === "kv_append" ? undefined : op.out;
}

/** One operation per node; attention becomes an append to the cache and the attention proper. */
export function opsOf(graph: Graph): PlanOp[] {
  return graph.nodes.flatMap((node): PlanOp[] => {
    if (node.op !== "attention") return [node];
    const { q, k, v, spec, out } = node;
    return [
      { op: "kv_append", k, v, spec },
      { op: "attention", q, kvWidth: k.width, spec, out },
    ];
  });
}
