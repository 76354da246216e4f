// A folder's tensors under GGUF's names, in GGUF's order of rows and with its gains: as they lie in the file where that
// is the same, made on the way where it is not.

import { FennecError } from "../errors";
import { memorySource } from "../files/memory_source";
import type { SafeTensor } from "../files/safetensors";
import type { TensorInfo } from "../files/weights_file";
import type { HfArchitecture } from "./architectures";
import { type HfConfig, headDim } from "./config";
import type { PackedWeights } from "./packed/packed";
import { type Quantization, quantizedRows } from "./quantize";
import { llama3RopeFactors } from "./rope_scaling";
import { floatRows, interleaveHalves, madeTensor, plusOne, type Rows } from "./rows";

export interface TensorOptions {
  /** Of the folder, for messages. */
  readonly name: string;
  readonly config: HfConfig;
  readonly architecture: HfArchitecture;
  readonly packed?: PackedWeights | undefined;
  readonly quantize?: Quantization | undefined;
}

/** Where the text model's tensors are: alone, or inside a model that also sees. */
const PREFIXES = ["language_model.model.", "model.language_model.", "model."] as const;
const HEADS: ReadonlySet<string> = new Set(["lm_head", "language_model.lm_head"]);

/** Parts of a model that text does not need; computed tables. */
const IGNORED = /^(?:model\.)?(?:vision_tower|vision_model|multi_modal_projector)\.|\.rotary_emb\.inv_freq$/;

/** Parts of one module, by the last component of their names: `weight`, `bias`, `qweight`, ... */
type Modules = ReadonlyMap<string, ReadonlyMap<string, SafeTensor>>;

/** @throws FennecError `file-unsupported`, `tensor-missing`, `tensor-shape`. */
export function ggufTensors(
  tensors: ReadonlyMap<string, SafeTensor>,
  options: TensorOptions,
): ReadonlyMap<string, TensorInfo> {
  const { name, config, architecture, packed } = options;
  const found = new Map<string, TensorInfo>();
  const add = (tensor: TensorInfo) => {
    if (found.has(tensor.name)) {
      throw new FennecError("file-corrupt", `${name}: two tensors stand for "${tensor.name}".`);
    }
    found.set(tensor.name, tensor);
  };
  const modules = modulesOf(tensors);
  for (const [module, parts] of modules) {
    const target = ggufName(module, architecture);
    const rest = new Map(parts);
    if (target === "output" && tied(options, true)) continue;
    const unpacked = target && packed?.claims(parts) ? packed.rows(module, parts) : undefined;
    if (target && unpacked) {
      for (const part of packed!.parts) rest.delete(part);
      add(weightTensor(`${target}.weight`, unpacked, target, options));
    }
    for (const [part, tensor] of rest) {
      // Names without a meaning here stay as they are: the model then says that it does not know them.
      if (!target || (part !== "weight" && part !== "bias")) add(asItIs(tensor, tensor.name));
      else add(plainTensor(tensor, `${target}.${part}`, target, options));
    }
  }
  if (!found.has("output.weight") && !tied(options, false)) {
    throw new FennecError(
      "tensor-missing",
      `${name}: has no "lm_head.weight", though ${config.name} says that it is not the embedding (tie_word_embeddings).`,
    );
  }
  const factors = llama3RopeFactors(config);
  if (factors) {
    const source = memorySource(new Uint8Array(factors.buffer), `${name}: rope_freqs`);
    add({ name: "rope_freqs.weight", type: "F32", shape: [factors.length], offset: 0, bytes: source.size, source });
  }
  return found;
}

/** Whether head and embedding are one tensor, as far as the config says; `unsaid` where a head decides by being there. */
function tied({ config, architecture }: TensorOptions, headIsThere: boolean): boolean {
  if (headIsThere) return config.flag("tie_word_embeddings", architecture.tied);
  return config.flag("tie_word_embeddings", true);
}

function modulesOf(tensors: ReadonlyMap<string, SafeTensor>): Modules {
  const modules = new Map<string, Map<string, SafeTensor>>();
  for (const [name, tensor] of tensors) {
    if (IGNORED.test(name)) continue;
    const dot = name.lastIndexOf(".");
    const module = name.slice(0, Math.max(0, dot));
    const parts = modules.get(module) ?? new Map<string, SafeTensor>();
    modules.set(module, parts.set(name.slice(dot + 1), tensor));
  }
  return modules;
}

/** `model.layers.3.mlp.up_proj` is `blk.3.ffn_up`; undefined for what the architecture does not have. */
export function ggufName(module: string, { layer }: HfArchitecture): string | undefined {
  if (HEADS.has(module)) return "output";
  const prefix = PREFIXES.find((candidate) => module.startsWith(candidate));
  if (!prefix) return undefined;
  const inner = module.slice(prefix.length);
  if (inner === "embed_tokens") return "token_embd";
  if (inner === "norm") return "output_norm";
  const [, index, part] = /^layers\.(0|[1-9]\d{0,5})\.(.+)$/.exec(inner) ?? [];
  return part !== undefined && Object.hasOwn(layer, part) ? `blk.${index}.${layer[part]}` : undefined;
}

function plainTensor(tensor: SafeTensor, name: string, target: string, options: TensorOptions): TensorInfo {
  const changed = weightTensor(name, floatRows(tensor), target, options);
  const untouched = changed.type === tensor.dtype && !permuted(target, options) && !gained(target, options);
  return untouched ? asItIs(tensor, name) : changed;
}

function weightTensor(name: string, plain: Rows, target: string, options: TensorOptions): TensorInfo {
  const { config, quantize } = options;
  let rows = plain;
  if (gained(target, options)) rows = plusOne(rows);
  if (quantize && FLOATS.has(rows.type)) rows = quantizedRows(rows, quantize) ?? rows;
  if (permuted(target, options)) rows = interleaveHalves(rows, headDim(config));
  return madeTensor(name, rows, options.name);
}

const FLOATS: ReadonlySet<string> = new Set(["F32", "F16", "BF16"]);

function permuted(target: string, { architecture }: TensorOptions): boolean {
  return architecture.interleaved && /\.attn_[qk]$/.test(target);
}

function gained(target: string, { architecture }: TensorOptions): boolean {
  return architecture.gainPlusOne && target.endsWith("_norm");
}

function asItIs({ dtype, shape, offset, bytes, source }: SafeTensor, name: string): TensorInfo {
  return { name, type: dtype, shape, offset, bytes, source };
}
