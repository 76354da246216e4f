// What the webgpu plans are made of before they become dispatches: graph nodes, most of them joined. `fuse.ts` joins
// them, `buffers.ts` gives each result a buffer, `lower.ts` turns each operation into dispatches.

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

/** `x + rms_norm(add)`, computed by whoever reads it next. */
export interface Sandwich extends FusedNorm {
  readonly add: Value;
  /** The sum, written once for later readers; absent when there are none. */
  readonly sum?: Value;
}

export interface LinearOp {
  readonly op: "linear";
  readonly x: Value;
  /** A stack: the rows of the first, then those of the next. All have as many columns as `x`. */
  readonly weights: readonly WeightRef[];
  /** One per weight, or none. */
  readonly biases?: readonly WeightRef[];
  /** RMSNorm of the input on the way in. */
  readonly norm?: FusedNorm;
  /** Before the norm, something is added to `x`. */
  readonly sandwich?: Sandwich;
  /** The stack is [gate, up]; the result is activation(gate) · up. */
  readonly gated?: UnaryKind;
  /** `x` has a row per token, the result a row per requested output. */
  readonly gather?: boolean;
  /** The result is added into this value's buffer, which `out` then names. */
  readonly into?: Value;
  readonly out: Value;
}

/** q, k and v as a linear wrote them, side by side in the rows of one value: neither normed nor turned. */
export interface Qkv {
  readonly value: Value;
  readonly heads: number;
  readonly kvHeads: number;
  /** RMSNorm of each query and key head. */
  readonly headNorm?: { readonly q: WeightRef; readonly k: WeightRef; readonly eps: number };
  readonly rope?: RopeSpec;
}

export type PlanOp =
  | Extract<Node, { op: "embed" | "layer_norm" | "add" | "mul" | "unary" | "scale" | "softcap" | "output_rows" }>
  | LinearOp
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
      readonly kvHeads: number;
      readonly spec: AttentionSpec;
      readonly out: Value;
    }
  /** Decoding: norms, rope, append and attention of one row per sequence. */
  | { readonly op: "decode_attention"; readonly qkv: Qkv; readonly spec: AttentionSpec; readonly out: Value }
  /** Prefill: norms and rope; keys and values go to the cache, queries to `out`. */
  | { readonly op: "prepare_qkv"; readonly qkv: Qkv; readonly spec: AttentionSpec; readonly out: Value }
  | { readonly op: "gated"; readonly kind: UnaryKind; readonly a: Value; readonly b: Value; readonly out: Value };

/** Values that an operation reads, the one it adds into included. */
export function readsOf(op: PlanOp): readonly Value[] {
  switch (op.op) {
    case "kv_append":
      return [op.k, op.v];
    case "attention":
      return [op.q];
    case "decode_attention":
    case "prepare_qkv":
      return [op.qkv.value];
    case "gated":
      return [op.a, op.b];
    case "linear":
      return [op.x, ...(op.sandwich ? [op.sandwich.add] : []), ...(op.into ? [op.into] : [])];
    case "rms_norm":
      return op.into ? [op.x, op.into] : [op.x];
    case "rope":
      return [op.x];
    default:
      return inputsOf(op);
  }
}

/** Values that an operation makes: its result first. */
export function outsOf(op: PlanOp): readonly Value[] {
  if (op.op === "kv_append") return [];
  const sum = op.op === "linear" ? op.sandwich?.sum : undefined;
  return sum ? [op.out, sum] : [op.out];
}

/** The value whose buffer an operation's result takes over. */
export function intoOf(op: PlanOp): Value | undefined {
  return op.op === "linear" || op.op === "rms_norm" ? op.into : undefined;
}

/** One operation per node; attention becomes an append to the cache and the attention proper. */
export function opsOf(graph: Graph): PlanOp[] {
  return graph.nodes.flatMap((node): PlanOp[] => {
    switch (node.op) {
      case "linear": {
        const { x, weight, bias, out } = node;
        return [{ op: "linear", x, weights: [weight], ...(bias && { biases: [bias] }), out }];
      }
      case "attention": {
        const { q, k, v, spec, out } = node;
        return [
          { op: "kv_append", k, v, spec },
          { op: "attention", q, kvHeads: k.width / spec.headDim, spec, out },
        ];
      }
      default:
        return [node];
    }
  });
}
