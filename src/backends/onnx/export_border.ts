// The border that Transformers.js and Optimum expect of a decoder: token ids and a mask in, logits and grown keys and
// values out, one sequence at a time. Positions follow from the mask, so that no runtime numbers them its own way.
// Source of the names: Optimum, exporters/onnx, `TextDecoderOnnxConfig`; Transformers.js, modeling_utils.js.

import type { RopeSpec } from "../../graph/graph";
import type { Border, BorderTools } from "./border";
import { ELEMENT, type ExternalTensor } from "./model_builder";
import { BLOCK } from "./weight_forms";

export const LOGITS = "logits";

/** Rotary tables of an exported model. */
export interface RopeTable {
  readonly tensor: ExternalTensor;
  readonly rope: RopeSpec;
  readonly turn: "cos" | "sin";
}

/** @param context Rows of the rotary tables: the longest sequence. @param tables Filled with those that the model reads. */
export function exportBorder(context: number, tables: RopeTable[]): Border {
  const once = onceByName();
  const ids = ({ model }: BorderTools) => model.input("input_ids", "int64", [1, "sequence_length"]);
  const mask = ({ model }: BorderTools) => model.input("attention_mask", "int64", [1, "total_sequence_length"]);
  const length = ({ model }: BorderTools, of: string) =>
    model.node("Slice", [model.node("Shape", [of]), ...[1, 2].map((value) => model.constant("int64", [value]))]);
  const total = (tools: BorderTools) => once("total", () => length(tools, mask(tools)));
  const int32 = ({ model }: BorderTools, x: string) => model.node("Cast", [x], { attributes: { to: ELEMENT.int32 } });
  const table = ({ model }: BorderTools, kind: number, rope: RopeSpec, turn: RopeTable["turn"]) => {
    const pairs = rope.dims / 2;
    const tensor: ExternalTensor = {
      name: `${turn}_${kind}`,
      type: "float32",
      shape: [context, pairs],
      bytes: 4 * context * pairs,
    };
    if (!model.external.has(tensor.name)) tables.push({ tensor, rope, turn });
    return model.weight(tensor);
  };
  return {
    embed(tools, { weight, scale }) {
      const { model } = tools;
      const tokens = once("tokens", () => tools.reshape(ids(tools), [-1]));
      const rows = lookup(tools, weight, tokens);
      return scale === 1 ? rows : model.node("Mul", [rows, model.constant("float32", [scale], [])]);
    },
    rope: (tools, kind, rope) => ({
      first: once("first", () => tools.model.node("Sub", [total(tools), length(tools, ids(tools))])),
      cos: table(tools, kind, rope, "cos"),
      sin: table(tools, kind, rope, "sin"),
    }),
    outputRows(tools, x) {
      const { model } = tools;
      // The last `num_logits_to_keep` rows; all for 0.
      const kept = model.input("num_logits_to_keep", "int64", []);
      const start = tools.reshape(model.node("Neg", [kept]), [1]);
      return model.node("Slice", [x, start, ...[2 ** 31 - 1, 0].map((value) => model.constant("int64", [value]))]);
    },
    cache({ model }, { layer, kvHeads, headDim }) {
      const past = names("past_key_values", layer);
      const present = names("present", layer);
      for (const name of Object.values(past))
        model.input(name, "float32", [1, kvHeads, "past_sequence_length", headDim]);
      return { past, present };
    },
    lastKey: (tools) =>
      once("last", () => {
        const { model } = tools;
        return int32(tools, model.node("Sub", [total(tools), model.constant("int64", [1])]));
      }),
    keys: (tools) => once("keys", () => int32(tools, tools.model.node("Squeeze", [total(tools)]))),
  };
}

export const names = (side: "past_key_values" | "present", layer: number) => ({
  key: `${side}.${layer}.key`,
  value: `${side}.${layer}.value`,
});

function lookup(tools: BorderTools, weight: Parameters<BorderTools["plain"]>[0], tokens: string): string {
  const { model } = tools;
  const form = tools.formOf(weight);
  if (form === "f32" || form === "int8-dynamic")
    return model.node("Gather", [tools.plain(weight), tokens], { attributes: { axis: 0 } });
  const { values, scales, bits } = tools.blocks(weight, form);
  const [rows] = weight.shape as readonly [number, number];
  const inputs = [tools.reshape(values, [rows, -1]), tokens, tools.reshape(scales, [rows, -1])];
  return model.node("GatherBlockQuantized", inputs, {
    domain: "com.microsoft",
    attributes: { gather_axis: 0, quantize_axis: 1, block_size: BLOCK, bits },
  });
}

/** A value of the model that several operations read is made by the first of them. */
function onceByName(): (name: string, make: () => string) => string {
  const made = new Map<string, string>();
  return (name, make) => {
    const known = made.get(name) ?? make();
    made.set(name, known);
    return known;
  };
}
