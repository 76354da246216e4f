// A recorded graph, or a run of its nodes, as an ONNX model. Values keep their shape `[rows, width]`. What lies outside
// of the operations (embedding rows, sines and cosines, keys and values so far) is the border's business: border.ts.

import {
  type Graph,
  inputsOf,
  type Node,
  type RopeSpec,
  type UnaryKind,
  type Value,
  type WeightRef,
} from "../../graph/graph";
import { type Border, type BorderTools, stepBorder } from "./border";
import { type AttentionForm, type AttentionLowering, lowerAttention, type NodeOf } from "./lower_attention";
import { type ExternalTensor, float, type Locate, ModelBuilder } from "./model_builder";
import { presentNames, valueName } from "./names";
import { BLOCK, type MatrixForm, type QuantizedForm, quantizedForms } from "./weight_forms";

/** What the bytes of an external tensor are made from. */
export interface LoweredWeight {
  readonly tensor: ExternalTensor;
  readonly ref: WeightRef;
  readonly content: MatrixForm | "scales";
}

export interface LoweredPart {
  /** The ONNX model, without weights. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly weights: readonly LoweredWeight[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface LowerOptions {
  /** `grouped` where every row sees what comes before it; `masked` takes any mask as an input, and is slower. */
  readonly attention: AttentionForm;
  readonly formOf: (ref: WeightRef) => MatrixForm;
  /** The model gives out grown keys and values, written in place, and not those of the step's rows alone. */
  readonly inPlace?: boolean;
}

/** Ropes that turn by the same angles, once, in the order of the graph. */
export function ropesOf(graph: Graph): readonly RopeSpec[] {
  const kinds = new Map<string, RopeSpec>();
  for (const node of graph.nodes) if (node.op === "rope") kinds.set(ropeKey(node.rope), node.rope);
  return [...kinds.values()];
}

function ropeKey({ frequencies, factors }: RopeSpec): string {
  return JSON.stringify([frequencies, factors?.name]);
}

/** @param nodes A run of `graph.nodes`; what it reads of earlier nodes is an input, what later ones read an output. */
export function lowerPart(graph: Graph, nodes: readonly Node[], options: LowerOptions): LoweredPart {
  const lowering = new Lowering(graph, stepBorder, options);
  for (const node of nodes) lowering.add(node);
  return lowering.finish(nodes);
}

export class Lowering implements AttentionLowering, BorderTools {
  readonly model: ModelBuilder;
  readonly border: Border;
  readonly #graph: Graph;
  readonly #options: LowerOptions;
  readonly #weights: LoweredWeight[] = [];
  readonly #ropes: readonly string[];
  readonly #values = new Map<number, string>();

  /** @param locate Where the bytes of weights lie; each under its own name when absent. */
  constructor(graph: Graph, border: Border, options: LowerOptions, locate?: Locate) {
    this.model = new ModelBuilder(locate);
    this.border = border;
    this.#graph = graph;
    this.#options = options;
    this.#ropes = ropesOf(graph).map(ropeKey);
  }

  get weights(): readonly LoweredWeight[] {
    return this.#weights;
  }

  add(node: Node): void {
    const result = node.op === "embed" ? this.border.embed?.(this, node) : this.#lower(node);
    if (result === undefined) return; // an input for whoever reads it
    const name = valueName(node.out);
    this.model.node("Identity", [result], { outputs: [name] });
    this.#values.set(node.out.id, name);
  }

  read(value: Value): string {
    return this.#values.get(value.id) ?? this.model.input(valueName(value), "float32", [value.rows, value.width]);
  }

  /** A weight as f32, in its own shape or another. */
  plain(ref: WeightRef, shape: readonly number[] = ref.shape): string {
    return this.#weight(ref, "f32", { type: "float32", shape, bytes: 4 * sizeOf(shape) });
  }

  #weight(ref: WeightRef, content: LoweredWeight["content"], tensor: Omit<ExternalTensor, "name">): string {
    const named = { ...tensor, name: `${content}_${[...ref.name].map(safe).join("")}` };
    if (!this.model.external.has(named.name)) this.#weights.push({ tensor: named, ref, content });
    return this.model.weight(named);
  }

  finish(nodes: readonly Node[]): LoweredPart {
    const made = new Set(nodes.filter(({ op }) => op !== "embed").map(({ out }) => out.id));
    const wanted = (value: Value) => {
      if (made.has(value.id)) this.model.output(valueName(value), "float32", [value.rows, value.width]);
    };
    const last = this.#graph.nodes.indexOf(nodes.at(-1)!);
    for (const node of this.#graph.nodes.slice(last + 1)) for (const value of inputsOf(node)) wanted(value);
    if (this.#options.inPlace) this.#outputPresent(nodes);
    else for (const node of this.#graph.nodes) if (node.op === "attention") [node.k, node.v].forEach(wanted);
    wanted(this.#graph.output);
    const { inputs, outputs } = this.model;
    return { model: this.model.finish(), weights: this.#weights, inputs, outputs };
  }

  #outputPresent(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (node.op !== "attention") continue;
      const { kvHeads, headDim } = this.#graph.caches[node.spec.layer]!;
      for (const name of Object.values(presentNames(node.spec.layer)))
        this.model.output(name, "float32", [1, kvHeads, "capacity", headDim]);
    }
  }

  #lower(node: Exclude<Node, { op: "embed" }>): string {
    const { model } = this;
    switch (node.op) {
      case "linear":
        return this.#linear(node);
      case "rms_norm":
        return this.#rmsNorm(node);
      case "layer_norm": {
        const gainAndBias = [this.plain(node.weight), ...(node.bias ? [this.plain(node.bias)] : [])];
        return model.node("LayerNormalization", [this.read(node.x), ...gainAndBias], {
          attributes: { axis: -1, epsilon: float(node.eps) },
        });
      }
      case "rope":
        return this.#rope(node);
      case "attention":
        return lowerAttention(this, node, this.#options.attention);
      case "add":
        return model.node("Add", [this.read(node.a), this.read(node.b)]);
      case "mul":
        return model.node("Mul", [this.read(node.a), this.read(node.b)]);
      case "unary":
        return this.#unary(node.kind, this.read(node.x));
      case "scale":
        return model.node("Mul", [this.read(node.x), model.constant("float32", [node.factor], [])]);
      case "softcap":
        return this.softcap(this.read(node.x), node.cap);
      case "output_rows":
        return this.border.outputRows(this, this.read(node.x));
    }
  }

  softcap(x: string, cap: number): string {
    const { model } = this;
    const tanh = model.node("Tanh", [model.node("Mul", [x, model.constant("float32", [1 / cap], [])])]);
    return model.node("Mul", [tanh, model.constant("float32", [cap], [])]);
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.model.node("Reshape", [x, this.model.constant("int64", shape)]);
  }

  #linear({ x, weight, bias }: NodeOf<"linear">): string {
    const { model } = this;
    const [rows, cols] = weight.shape as readonly [number, number];
    const form = this.formOf(weight);
    if (form === "f32") {
      const inputs = [this.read(x), this.plain(weight), ...(bias ? [this.plain(bias)] : [])];
      return model.node("Gemm", inputs, { attributes: { transB: 1 } });
    }
    if (form === "int8-dynamic") {
      // Rows of the weights are columns here; the bias is added inside.
      const values = this.#weight(weight, form, { type: "int8", shape: [cols, rows], bytes: rows * cols });
      const scales = this.#weight(weight, "scales", { type: "float32", shape: [rows], bytes: 4 * rows });
      const inputs = [this.read(x), values, scales, ...(bias ? ["", this.plain(bias)] : [])];
      return model.node("DynamicQuantizeMatMul", inputs, { domain: "com.microsoft" });
    }
    const { values, scales, bits } = this.blocks(weight, form);
    const y = model.node("MatMulNBits", [this.read(x), values, scales], {
      domain: "com.microsoft",
      attributes: { K: cols, N: rows, bits, block_size: BLOCK, accuracy_level: 1 },
    });
    return bias ? model.node("Add", [y, this.plain(bias)]) : y;
  }

  formOf(ref: WeightRef): MatrixForm {
    return this.#options.formOf(ref);
  }

  /** A matrix in blocks: values uint8 `[rows, blocks, bytes]`, scales `[rows · blocks]`. */
  blocks(
    ref: WeightRef,
    form: QuantizedForm,
  ): { readonly values: string; readonly scales: string; readonly bits: number } {
    const [rows, cols] = ref.shape as readonly [number, number];
    const { bits } = quantizedForms[form];
    const blocks = cols / BLOCK;
    const bytes = (BLOCK * bits) / 8;
    return {
      bits,
      values: this.#weight(ref, form, { type: "uint8", shape: [rows, blocks, bytes], bytes: rows * blocks * bytes }),
      scales: this.#weight(ref, "scales", { type: "float32", shape: [rows * blocks], bytes: 4 * rows * blocks }),
    };
  }

  /** Head by head where the gain is narrower than the rows. */
  #rmsNorm({ x, weight, eps }: NodeOf<"rms_norm">): string {
    const [width] = weight.shape as readonly [number];
    const perHead = width !== x.width;
    const input = perHead ? this.reshape(this.read(x), [-1, width]) : this.read(x);
    const y = this.model.node("SimplifiedLayerNormalization", [input, this.plain(weight)], {
      attributes: { axis: -1, epsilon: float(eps), stash_type: 1 },
    });
    return perHead ? this.reshape(y, [-1, x.width]) : y;
  }

  /** The operation takes row `first + s` of the tables for row s of the input. */
  #rope({ x, headDim, rope }: NodeOf<"rope">): string {
    const { model } = this;
    const { first, cos, sin } = this.border.rope(this, this.#ropes.indexOf(ropeKey(rope)), rope);
    const heads = x.width / headDim;
    const inputs = [this.reshape(this.read(x), [1, -1, x.width]), first, cos, sin];
    const y = model.node("RotaryEmbedding", inputs, {
      domain: "com.microsoft",
      attributes: {
        interleaved: rope.style === "adjacent" ? 1 : 0,
        num_heads: heads,
        rotary_embedding_dim: rope.dims,
      },
    });
    return this.reshape(y, [-1, x.width]);
  }

  #unary(kind: UnaryKind, x: string): string {
    const { model } = this;
    switch (kind) {
      case "silu":
        return model.node("Mul", [x, model.node("Sigmoid", [x])]);
      case "gelu_tanh":
        return model.node("Gelu", [x], { attributes: { approximate: "tanh" } });
      case "gelu_erf":
        return model.node("Gelu", [x], { attributes: { approximate: "none" } });
      case "relu":
        return model.node("Relu", [x]);
      case "sigmoid":
        return model.node("Sigmoid", [x]);
    }
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Names become names of files, inside the runtime; two that differ must stay different. */
function safe(letter: string): string {
  return /[A-Za-z0-9.]/.test(letter) ? letter : `_${letter.codePointAt(0)}_`;
}
