// Attention in two forms. `grouped` is the runtime's own operation: causal, fast, for all usual rows. `masked` is written
// out in plain operations and takes its mask as an input: rows that see later ones need it.

import type { Graph, Node, Op, Value, WeightRef } from "../../graph/graph";
import type { Border, BorderTools } from "./border";
import { type Attribute, float } from "./model_builder";
import { INPUT, maskName } from "./names";

export type AttentionForm = "grouped" | "masked";

export type NodeOf<O extends Op> = Extract<Node, { readonly op: O }>;

/** What of the lowering attention uses. Strings are names of ONNX values. */
export interface AttentionLowering extends BorderTools {
  readonly border: Border;
  read(value: Value): string;
  plain(ref: WeightRef, shape?: readonly number[]): string;
  softcap(x: string, cap: number): string;
}

/** The runtime's operation takes heads of a multiple of 8 elements. */
export function groupedFits(graph: Graph): boolean {
  return graph.caches.every(({ headDim }) => headDim % 8 === 0);
}

interface Heads {
  readonly headDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly scale: number;
}

export function lowerAttention(lowering: AttentionLowering, node: NodeOf<"attention">, form: AttentionForm): string {
  const { headDim, scale = 1 / Math.sqrt(headDim) } = node.spec;
  const sizes = { headDim, heads: node.q.width / headDim, kvHeads: node.k.width / headDim, scale };
  return form === "grouped" ? grouped(lowering, node, sizes) : masked(lowering, node, sizes);
}

/** GroupQueryAttention of ONNX Runtime's own operators. */
function grouped(lowering: AttentionLowering, node: NodeOf<"attention">, sizes: Heads): string {
  const { model, border } = lowering;
  const { spec, q, k, v } = node;
  const { past, present } = border.cache(lowering, { layer: spec.layer, ...sizes });
  const attributes: Record<string, Attribute> = {
    num_heads: sizes.heads,
    kv_num_heads: sizes.kvHeads,
    scale: float(sizes.scale),
    do_rotary: 0,
  };
  if (spec.window !== undefined) attributes.local_window_size = spec.window;
  if (spec.softcap !== undefined) attributes.softcap = float(spec.softcap);
  const inputs = [
    ...[q, k, v].map((value) => lowering.reshape(lowering.read(value), [1, -1, value.width])),
    past.key,
    past.value,
    border.lastKey(lowering),
    border.keys(lowering),
    ...(spec.sinks ? ["", "", "", "", lowering.plain(spec.sinks)] : []), // cos, sin, position ids, bias: none
  ];
  const y = model.node("GroupQueryAttention", inputs, {
    domain: "com.microsoft",
    attributes,
    outputs: [`attention_${spec.layer}`, present.key, present.value],
  });
  return lowering.reshape(y, [-1, q.width]);
}

/** softmax(cap(scale · q · kᵀ) + mask, sinks) · v, the heads that share a key head as more rows of it. */
function masked(
  lowering: AttentionLowering,
  node: NodeOf<"attention">,
  { headDim, heads, kvHeads, scale }: Heads,
): string {
  const { model } = lowering;
  const { spec, q } = node;
  const group = heads / kvHeads;
  const { past } = lowering.border.cache(lowering, { layer: spec.layer, kvHeads, headDim });
  const transpose = (x: string, ...perm: number[]) => model.node("Transpose", [x], { attributes: { perm } });
  const withPast = (old: string, value: typeof node.k) => {
    const rows = transpose(lowering.reshape(lowering.read(value), [-1, kvHeads, headDim]), 1, 0, 2);
    const inputs = [lowering.reshape(old, [kvHeads, -1, headDim]), rows];
    return model.node("Concat", inputs, { attributes: { axis: 1 } });
  };

  const scaled = model.node("Mul", [lowering.read(q), model.constant("float32", [scale], [])]);
  // [tokens, kvHeads, group, headDim] -> [kvHeads, group, tokens, headDim] -> [kvHeads, group · tokens, headDim]
  const turned = transpose(lowering.reshape(scaled, [-1, kvHeads, group, headDim]), 1, 2, 0, 3);
  const rows = lowering.reshape(turned, [kvHeads, -1, headDim]);
  const products = model.node("MatMul", [rows, transpose(withPast(past.key, node.k), 0, 2, 1)]);

  // [kvHeads, group, tokens, keys]
  const axis = (at: number, of: string) =>
    model.node("Slice", [model.node("Shape", [of]), model.constant("int64", [at]), model.constant("int64", [at + 1])]);
  const mask = model.input(maskName(spec.window), "float32", ["tokens", "all_keys"]);
  const shape = model.node("Concat", [model.constant("int64", [kvHeads, group]), axis(0, mask), axis(1, mask)], {
    attributes: { axis: 0 },
  });
  let scores = model.node("Reshape", [products, shape]);
  if (spec.softcap !== undefined) scores = lowering.softcap(scores, spec.softcap);
  scores = model.node("Add", [scores, mask]);
  let weights: string;
  if (spec.sinks) {
    const zeros = model.input(INPUT.zeros, "float32", ["tokens", 1]);
    const column = model.node("Add", [lowering.plain(spec.sinks, [kvHeads, group, 1, 1]), zeros]);
    const all = model.node("Concat", [column, scores], { attributes: { axis: 3 } });
    const shares = model.node("Softmax", [all], { attributes: { axis: -1 } });
    const [from, to, along] = [1, 2 ** 31 - 1, 3].map((value) => model.constant("int64", [value]));
    weights = model.node("Slice", [shares, from!, to!, along!]);
  } else weights = model.node("Softmax", [scores], { attributes: { axis: -1 } });

  const flat = model.node("Reshape", [
    weights,
    model.node("Concat", [model.constant("int64", [kvHeads, -1]), axis(1, mask)], { attributes: { axis: 0 } }),
  ]);
  const y = model.node("MatMul", [flat, withPast(past.value, node.v)]);
  const back = transpose(lowering.reshape(y, [kvHeads, group, -1, headDim]), 2, 0, 1, 3);
  return lowering.reshape(back, [-1, q.width]);
}
