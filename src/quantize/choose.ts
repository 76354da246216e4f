// Which type each tensor gets, in outline as llama.cpp chooses. The file as a whole has one type asked for; some tensors
// are too small or too sensitive for it, or their rows are no whole number of its blocks.
//
// Source: `llama_tensor_get_type` and `llama_model_quantize_impl` of llama.cpp (llama-quant.cpp).

import { formatOf } from "../../kernels/quant/index";
import { FennecError } from "../errors";
import type { TensorInfo, WeightsFile } from "../files/weights_file";
import { QUANTIZERS } from "./formats";
import type { Quantizer } from "./quantizer";

/** A type for tensors by name; `*` in the name stands for any characters. The first that matches counts. */
export interface KeepRule {
  readonly name: string;
  readonly type: string;
}

export interface PlannedTensor {
  readonly info: TensorInfo;
  /** Undefined: its bytes are copied. */
  readonly quantizer: Quantizer | undefined;
  /** Type in the new file. */
  readonly type: string;
}

/** Small tensors with two axes that llama.cpp never quantizes, by a part of their name. */
const NEVER = [
  "_norm.weight",
  "ffn_gate_inp",
  "position_embd",
  "token_types",
  "altup",
  "laurel",
  "per_layer_model_proj",
  "ssm_conv1d",
  "shortconv.conv",
  "time_mix_",
  "attn_rel_b",
];

/** What a type with blocks of 256 becomes where rows are no multiple of that. */
const SMALLER_BLOCKS: Readonly<Record<string, string>> = { Q4_K: "Q5_0", Q5_K: "Q5_1", Q6_K: "Q8_0" };

const FLOATS: ReadonlySet<string> = new Set(["F32", "F16", "BF16"]);

/**
 * @throws FennecError `invalid-argument` for an unknown type or a rule that matches nothing or does not fit;
 *   `file-unsupported` for a source type that cannot be read.
 */
export function chooseTypes(file: WeightsFile, type: string, keep: readonly KeepRule[]): readonly PlannedTensor[] {
  for (const wanted of [type, ...keep.map((rule) => rule.type)]) quantizerOf(wanted);
  const unused = new Set(keep);
  const tied = !file.tensors.has("output.weight");
  const planned = [...file.tensors.values()].map((info): PlannedTensor => {
    const rule = keep.find(({ name }) => matches(name, info.name));
    if (rule) unused.delete(rule);
    const chosen = rule ? checkedRule(info, rule) : ownType(info, type, tied);
    if (chosen === info.type) return { info, quantizer: undefined, type: chosen };
    formatOf(info.type);
    return { info, quantizer: quantizerOf(chosen), type: chosen };
  });
  for (const { name } of unused) {
    throw new FennecError("invalid-argument", `${file.name}: no tensor is called "${name}"; see fennec inspect.`);
  }
  return planned;
}

function ownType(info: TensorInfo, type: string, tied: boolean): string {
  const { name, shape } = info;
  if (!name.endsWith("weight") || shape.length < 2 || NEVER.some((part) => name.includes(part))) {
    return FLOATS.has(info.type) ? "F32" : info.type;
  }
  const head = name === "output.weight" || (tied && name === "token_embd.weight");
  const wanted = head && type !== "Q8_0" && !FLOATS.has(type) ? "Q6_K" : type;
  return fitting(shape.at(-1)!, wanted);
}

/** The type itself, or what takes its place in rows that it does not divide. */
function fitting(columns: number, type: string): string {
  if (columns % quantizerOf(type).blockWeights === 0) return type;
  const smaller = SMALLER_BLOCKS[type] ?? "F16";
  return columns % quantizerOf(smaller).blockWeights === 0 ? smaller : "F16";
}

function checkedRule({ name, shape }: TensorInfo, rule: KeepRule): string {
  const { blockWeights } = quantizerOf(rule.type);
  if (shape.at(-1)! % blockWeights === 0) return rule.type;
  throw new FennecError(
    "invalid-argument",
    `${name}: rows of ${shape.at(-1)} weights are no multiple of ${rule.type}'s blocks of ${blockWeights}; ` +
      `keep it in ${fitting(shape.at(-1)!, rule.type)}.`,
  );
}

function quantizerOf(type: string): Quantizer {
  const found = QUANTIZERS.get(type);
  if (found) return found;
  throw new FennecError(
    "invalid-argument",
    `type "${type}" cannot be written; one of ${[...QUANTIZERS.keys()].join(", ")}`,
  );
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}
