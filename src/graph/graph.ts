// The closed list of operations that a model may use, and the recorder that models call. A recorded Graph is a straight
// list of nodes; every backend lowers the same list. Shapes are inferred and checked while recording, before any weight
// is read.
//
// Every value is a matrix `[rows, width]` in f32: one row per token of the step, or (after `outputRows`) one row per
// requested output. Sequences, positions and pages are the backend's business; a graph never sees them.

import { FennecError } from "../errors";

export type RowKind = "tokens" | "outputs";

export interface Value {
  readonly id: number;
  readonly rows: RowKind;
  readonly width: number;
}

/** A weight that the file has, with the shape that the architecture asks for. Slow axis first. */
export interface WeightRef {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * Rotary position embedding of each head.
 *
 * `adjacent` turns pairs (2i, 2i + 1), as Llama's GGUF rows are permuted; `half` turns pairs (i, i + dims / 2) as in
 * GPT-NeoX. Elements from `dims` on pass through. Source: Su et al. 2021, arXiv:2104.09864, section 3.4.2.
 */
export interface RopeSpec {
  readonly style: "adjacent" | "half";
  /** Elements turned, from the start of each head; even. */
  readonly dims: number;
  /** `[dims / 2]` radians per position, computed in f64. */
  readonly frequencies: readonly number[];
  /** `[dims / 2]` divisors of the frequencies kept in the file (`rope_freqs.weight`). */
  readonly factors?: WeightRef;
}

export interface AttentionSpec {
  /** Names the KV cache: each attention has its own, numbered from 0. */
  readonly layer: number;
  readonly headDim: number;
  /** Factor of the scores; 1 / sqrt(headDim) when absent. */
  readonly scale?: number;
  /** A row sees its own position and the `window - 1` before it; all when absent. */
  readonly window?: number;
  /** Scores become `cap * tanh(score / cap)`. Source: Gemma 2, arXiv:2408.00118, section 2. */
  readonly softcap?: number;
  /** `[heads]` learned logits that join each softmax without a value (gpt-oss). */
  readonly sinks?: WeightRef;
}

export type UnaryKind = "silu" | "gelu_tanh" | "gelu_erf" | "relu" | "sigmoid";

export type Node = { readonly out: Value } & (
  | { readonly op: "embed"; readonly weight: WeightRef; readonly scale: number }
  | { readonly op: "linear"; readonly x: Value; readonly weight: WeightRef; readonly bias?: WeightRef }
  | { readonly op: "rms_norm"; readonly x: Value; readonly weight: WeightRef; readonly eps: number }
  | {
      readonly op: "layer_norm";
      readonly x: Value;
      readonly weight: WeightRef;
      readonly bias?: WeightRef;
      readonly eps: number;
    }
  | { readonly op: "rope"; readonly x: Value; readonly headDim: number; readonly rope: RopeSpec }
  | { readonly op: "attention"; readonly q: Value; readonly k: Value; readonly v: Value; readonly spec: AttentionSpec }
  | { readonly op: "add"; readonly a: Value; readonly b: Value }
  | { readonly op: "mul"; readonly a: Value; readonly b: Value }
  | { readonly op: "unary"; readonly kind: UnaryKind; readonly x: Value }
  | { readonly op: "scale"; readonly x: Value; readonly factor: number }
  | { readonly op: "softcap"; readonly x: Value; readonly cap: number }
  | { readonly op: "output_rows"; readonly x: Value }
);

export type Op = Node["op"];

/** A KV cache that the graph needs: one per attention node. */
export interface CacheSpec {
  readonly layer: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly window?: number;
}

export interface Graph {
  /** In execution order. */
  readonly nodes: readonly Node[];
  /** Logits `[outputs, vocab]`. */
  readonly output: Value;
  /** By layer number. */
  readonly caches: readonly CacheSpec[];
}

/** What a node reads, in order. */
export function inputsOf(node: Node): readonly Value[] {
  switch (node.op) {
    case "embed":
      return [];
    case "attention":
      return [node.q, node.k, node.v];
    case "add":
    case "mul":
      return [node.a, node.b];
    default:
      return [node.x];
  }
}

/** Records a graph. Made by {@link recordGraph}; `forward` of a model calls its methods in order. */
export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #caches = new Map<number, CacheSpec>();

  /** Rows of a table `[vocab, dim]` for the step's tokens, times `scale` → `[tokens, dim]`. */
  embed(weight: WeightRef, options: { readonly scale?: number } = {}): Value {
    const [, dim] = matrix("embed", weight);
    return this.#push({ op: "embed", weight, scale: options.scale ?? 1, out: this.#value("tokens", dim) });
  }

  /** `x · weightᵀ + bias`: `[rows, in]` with `[out, in]` → `[rows, out]`. */
  linear(x: Value, weight: WeightRef, bias?: WeightRef): Value {
    const [rows, cols] = matrix("linear", weight);
    same("linear inner", cols, x.width, weight);
    if (bias) vector("linear bias", bias, rows);
    return this.#push({ op: "linear", x, weight, ...(bias && { bias }), out: this.#value(x.rows, rows) });
  }

  /**
   * Root mean square norm (Zhang & Sennrich 2019, arXiv:1910.07467). A gain of `[headDim]` on `[rows, heads · headDim]`
   * norms head by head.
   */
  rmsNorm(x: Value, weight: WeightRef, eps: number): Value {
    const [width] = vector("rms_norm gain", weight);
    if (x.width % width !== 0) throw shape(`rms_norm: gain of ${width} does not divide rows of ${x.width}`, weight);
    return this.#push({ op: "rms_norm", x, weight, eps, out: this.#value(x.rows, x.width) });
  }

  layerNorm(x: Value, weight: WeightRef, bias: WeightRef | undefined, eps: number): Value {
    vector("layer_norm gain", weight, x.width);
    if (bias) vector("layer_norm bias", bias, x.width);
    return this.#push({ op: "layer_norm", x, weight, ...(bias && { bias }), eps, out: this.#value(x.rows, x.width) });
  }

  /** Turns each head of `[tokens, heads · headDim]` by its row's position. */
  rope(x: Value, headDim: number, rope: RopeSpec): Value {
    if (x.width % headDim !== 0) throw shape(`rope: heads of ${headDim} do not divide rows of ${x.width}`);
    if (rope.dims > headDim || rope.dims % 2 !== 0)
      throw shape(`rope: ${rope.dims} of ${headDim} elements cannot be turned`);
    same("rope frequencies", rope.frequencies.length, rope.dims / 2);
    if (rope.factors) vector("rope factors", rope.factors, rope.dims / 2);
    return this.#push({ op: "rope", x, headDim, rope, out: this.#value(x.rows, x.width) });
  }

  /**
   * Appends k and v to the cache of `spec.layer` and attends: q `[tokens, heads · headDim]`, k and v
   * `[tokens, kvHeads · headDim]` → `[tokens, heads · headDim]`. Query head h reads key head h / (heads / kvHeads).
   */
  attention(q: Value, k: Value, v: Value, spec: AttentionSpec): Value {
    same("attention v", v.width, k.width);
    for (const value of [q, k]) {
      if (value.width % spec.headDim !== 0)
        throw shape(`attention: heads of ${spec.headDim} do not divide rows of ${value.width}`);
    }
    const heads = q.width / spec.headDim;
    const kvHeads = k.width / spec.headDim;
    if (heads % kvHeads !== 0) throw shape(`attention: ${heads} query heads over ${kvHeads} key heads`);
    if (spec.sinks) vector("attention sinks", spec.sinks, heads);
    if (this.#caches.has(spec.layer)) throw shape(`attention: layer ${spec.layer} is used twice`);
    const { layer, headDim, window } = spec;
    this.#caches.set(layer, { layer, kvHeads, headDim, ...(window !== undefined && { window }) });
    return this.#push({ op: "attention", q, k, v, spec, out: this.#value("tokens", q.width) });
  }

  add(a: Value, b: Value): Value {
    return this.#push({ op: "add", a, b, out: this.#like("add", a, b) });
  }

  mul(a: Value, b: Value): Value {
    return this.#push({ op: "mul", a, b, out: this.#like("mul", a, b) });
  }

  unary(kind: UnaryKind, x: Value): Value {
    return this.#push({ op: "unary", kind, x, out: this.#value(x.rows, x.width) });
  }

  silu(x: Value): Value {
    return this.unary("silu", x);
  }

  gelu(x: Value, kind: "tanh" | "erf" = "tanh"): Value {
    return this.unary(kind === "tanh" ? "gelu_tanh" : "gelu_erf", x);
  }

  scale(x: Value, factor: number): Value {
    return this.#push({ op: "scale", x, factor, out: this.#value(x.rows, x.width) });
  }

  /** `cap · tanh(x / cap)`. */
  softcap(x: Value, cap: number): Value {
    return this.#push({ op: "softcap", x, cap, out: this.#value(x.rows, x.width) });
  }

  /** Keeps the rows whose output was asked for: `[tokens, width]` → `[outputs, width]`. */
  outputRows(x: Value): Value {
    if (x.rows !== "tokens") throw shape("output_rows: its input is already cut to the requested rows");
    return this.#push({ op: "output_rows", x, out: this.#value("outputs", x.width) });
  }

  finish(output: Value): Graph {
    if (output.rows !== "outputs") throw shape("forward: the result must come after outputRows");
    const caches = [...this.#caches.values()].sort((a, b) => a.layer - b.layer);
    caches.forEach((cache, layer) => {
      same("attention layers are numbered from 0 without gaps", cache.layer, layer);
    });
    return { nodes: this.#nodes, output, caches };
  }

  #value(rows: RowKind, width: number): Value {
    return { id: this.#nodes.length, rows, width };
  }

  #like(op: string, a: Value, b: Value): Value {
    same(`${op} width`, b.width, a.width);
    if (a.rows !== b.rows) throw shape(`${op}: one side has a row per token, the other a row per output`);
    return this.#value(a.rows, a.width);
  }

  #push(node: Node): Value {
    this.#nodes.push(node);
    return node.out;
  }
}

/** Records what `forward` does. @throws FennecError `tensor-shape` at the first operation whose shapes disagree. */
export function recordGraph(forward: (g: GraphBuilder) => Value): Graph {
  const builder = new GraphBuilder();
  return builder.finish(forward(builder));
}

function matrix(op: string, weight: WeightRef): readonly [number, number] {
  const [rows, cols] = weight.shape;
  if (weight.shape.length !== 2 || rows === undefined || cols === undefined)
    throw shape(`${op}: a matrix is needed, not [${weight.shape.join(", ")}]`, weight);
  return [rows, cols];
}

function vector(op: string, weight: WeightRef, width?: number): readonly [number] {
  const [size] = weight.shape;
  if (weight.shape.length !== 1 || size === undefined)
    throw shape(`${op}: a vector is needed, not [${weight.shape.join(", ")}]`, weight);
  if (width !== undefined) same(op, size, width, weight);
  return [size];
}

function same(what: string, got: number, want: number, weight?: WeightRef): void {
  if (got !== want) throw shape(`${what}: ${got} is not ${want}`, weight);
}

function shape(message: string, weight?: WeightRef): FennecError {
  return new FennecError("tensor-shape", weight ? `${message} (weight "${weight.name}")` : message);
}
