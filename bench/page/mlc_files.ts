// A model for WebLLM with the weights of a GGUF file: the folder that MLC's `convert_weight` and `gen_config` would make,
// for a library that is compiled already. Nothing is rounded. MLC's levels of 4 bits are 7 around zero (0 to 14), those of
// Q4_0 are 8 below and 7 above: a file that has a level -8 is refused, and so is anything else that does not fit. RoPE's
// base and the norms' eps are compiled into the library, which does not tell them: they must be the model's.
//
// Source: mlc-llm, python/mlc_llm: quantization/group_quantization.py (`_quantize`, groups of 32 along a row),
// model/qwen2/qwen2_loader.py and loader/standard_loader.py (which matrices are one), interface/gen_config.py.

import { floatToHalf, halfToFloat } from "../../kernels/quant/half";
import { formatOf } from "../../kernels/quant/index";
import type { JsonObject } from "../../src/files/json";
import type { TensorInfo, WeightsFile } from "../../src/files/weights_file";
import { tokenizerFromMetadata } from "../../src/text/tokenizer";
import { tokenizerJson } from "../../src/text/tokenizer_json";
import { readVocabulary } from "../../src/text/vocabulary";
import type { MlcLibrary, MlcParameter } from "./mlc_library";

/** Q4_0: a scale of two bytes, then 16 bytes; the low half of byte i is level i, the high half level i + 16. */
const BLOCK = { weights: 32, bytes: 18 } as const;
/** Levels in a u32, the first in the lowest bits; and what MLC adds to them. */
const PACKED = { levels: 8, zero: 7 } as const;

/** GGUF's tensors whose rows, one after the other, are a parameter of MLC's Qwen2. `$` is the layer's number. */
const QWEN2: Readonly<Record<string, readonly string[]>> = {
  "model.embed_tokens": ["token_embd"],
  "model.norm": ["output_norm"],
  lm_head: ["output"],
  "model.layers.$.input_layernorm": ["blk.$.attn_norm"],
  "model.layers.$.self_attn.c_attn": ["blk.$.attn_q", "blk.$.attn_k", "blk.$.attn_v"],
  "model.layers.$.self_attn.o_proj": ["blk.$.attn_output"],
  "model.layers.$.post_attention_layernorm": ["blk.$.ffn_norm"],
  "model.layers.$.mlp.gate_up_proj": ["blk.$.ffn_gate", "blk.$.ffn_up"],
  "model.layers.$.mlp.down_proj": ["blk.$.ffn_down"],
};

/** Bytes after which a file of parameters ends, and the next begins. */
const SHARD_BYTES = 32 << 20;

/** A file of the folder. */
export interface MlcFile {
  readonly name: string;
  readonly content: Uint8Array | string;
}

/**
 * The folder's files, one after the other; memory holds one of them.
 *
 * @throws Error for a model that the library is not for, weights that its form cannot hold exactly, and a tokenizer that
 *   begins texts with BOS: WebLLM's completions have none.
 */
export async function* mlcFiles(file: WeightsFile, library: MlcLibrary): AsyncGenerator<MlcFile> {
  const architecture = file.metadata.get("general.architecture");
  if (architecture !== "qwen2" || library.modelType !== "qwen2") {
    throw new Error(
      `only qwen2 can be written: ${file.name} is ${architecture}, and the library is for ${library.modelType}`,
    );
  }
  yield { name: "mlc-chat-config.json", content: json(chatConfig(file, library)) };
  yield { name: "tokenizer.json", content: JSON.stringify(tokenizerJson(file.metadata)) };
  const unused = new Set(file.tensors.keys());
  const records: JsonObject[] = [];
  let shard: { readonly parameter: MlcParameter; readonly bytes: Uint8Array }[] = [];
  for (const [i, parameter] of library.parameters.entries()) {
    const tensors = tensorsOf(parameter, file);
    for (const { name } of tensors) unused.delete(name);
    shard.push({ parameter, bytes: await parameterBytes(parameter, tensors, file.name) });
    const size = shard.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (size < SHARD_BYTES && i < library.parameters.length - 1) continue;
    const content = new Uint8Array(size);
    const entries: JsonObject[] = [];
    let at = 0;
    for (const { parameter, bytes } of shard) {
      content.set(bytes, at);
      entries.push({ ...parameter, format: "raw", nbytes: bytes.length, byteOffset: at });
      at += bytes.length;
    }
    const name = `params_shard_${records.length}.bin`;
    records.push({ dataPath: name, format: "raw-shard", nbytes: size, records: entries });
    shard = [];
    yield { name, content };
  }
  if (unused.size > 0) throw new Error(`the library has no use for ${[...unused].join(", ")} of ${file.name}`);
  const ParamBytes = records.reduce((sum, { nbytes }) => sum + Number(nbytes), 0);
  const list = json({ metadata: { ParamSize: library.parameters.length, ParamBytes, BitsPerParam: 4.5 }, records });
  // One list under the name that WebLLM 0.2.79 asks for, and under the name since 0.2.80.
  for (const name of ["ndarray-cache.json", "tensor-cache.json"]) yield { name, content: list };
}

function json(object: JsonObject): string {
  return `${JSON.stringify(object, null, 2)}\n`;
}

function chatConfig({ name, metadata }: WeightsFile, library: MlcLibrary): JsonObject {
  if (tokenizerFromMetadata(metadata).addBos) {
    throw new Error(
      `${name}: its tokenizer puts BOS before a text; WebLLM's completions do not, so that replies differ`,
    );
  }
  const { tokens, eosId, stopIds, model } = readVocabulary(metadata);
  return {
    version: "0.1.0",
    model_type: library.modelType,
    quantization: library.quantization,
    model_config: { context_window_size: library.context, prefill_chunk_size: library.prefillChunk },
    vocab_size: tokens.length,
    context_window_size: library.context,
    sliding_window_size: -1,
    attention_sink_size: -1,
    prefill_chunk_size: library.prefillChunk,
    tensor_parallel_shards: 1,
    temperature: 1,
    top_p: 1,
    repetition_penalty: 1,
    ...(eosId !== undefined && { eos_token_id: eosId }),
    tokenizer_files: ["tokenizer.json"],
    tokenizer_info: {
      token_postproc_method: model === "gpt2" ? "byte_level" : "byte_fallback",
      prepend_space_in_encode: false,
      strip_space_in_decode: false,
    },
    conv_template: {
      name: "plain",
      system_template: "{system_message}",
      system_message: "",
      roles: { user: "", assistant: "" },
      role_templates: { user: "{user_message}", assistant: "{assistant_message}", tool: "{tool_message}" },
      messages: [],
      seps: ["\n"],
      role_content_sep: "",
      role_empty_sep: "",
      stop_str: [],
      stop_token_ids: [...stopIds],
      function_string: "",
      use_function_calling: false,
    },
  };
}

/** @returns What the parameter is called without its part, and the part. */
function splitName(name: string): { readonly stem: string; readonly part: string } {
  const [, stem = "", part = ""] = /^(.*)\.(q_weight|q_scale|weight|bias)$/.exec(name) ?? [];
  return { stem, part };
}

function tensorsOf({ name }: MlcParameter, file: WeightsFile): readonly TensorInfo[] {
  const { stem, part } = splitName(name);
  const layer = /\.(\d+)\./.exec(stem)?.[1] ?? "";
  const sources = QWEN2[stem.replace(`.${layer}.`, ".$.")];
  if (!sources) throw new Error(`the library has a parameter that Qwen2 has not: ${name}`);
  const end = part === "bias" ? "bias" : "weight";
  return sources.map((source) => {
    const wanted = `${source.replace("$", layer)}.${end}`;
    const tensor = file.tensors.get(wanted);
    if (tensor) return tensor;
    throw new Error(`${file.name} has no ${wanted}, of which the library makes ${name}`);
  });
}

/** @returns The parameter's bytes, row after row as in the GGUF file. */
async function parameterBytes(
  { name, shape, dtype }: MlcParameter,
  tensors: readonly TensorInfo[],
  fileName: string,
): Promise<Uint8Array> {
  const { part } = splitName(name);
  const isLevels = part === "q_weight";
  const of = part.startsWith("q_") ? (isLevels ? PACKED.levels : BLOCK.weights) : 1;
  const rows = tensors.reduce((sum, tensor) => sum + tensor.shape[0]!, 0);
  const expected = [rows, ...tensors[0]!.shape.slice(1).map((columns) => columns / of)];
  if (String(expected) !== String(shape)) {
    throw new Error(`${name} has shape ${shape} in the library, and would have ${expected} from ${fileName}`);
  }
  const parts: Uint8Array[] = [];
  for (const tensor of tensors) {
    const bytes = await tensor.source.read(tensor.offset, tensor.bytes);
    if (isLevels) parts.push(levelsOf(bytes, tensor));
    else parts.push(floatBytes(part === "q_scale" ? scalesOf(bytes, tensor) : floatsOf(bytes, tensor), dtype, name));
  }
  return joined(parts);
}

function blocksOf(bytes: Uint8Array, { name, type }: TensorInfo): number {
  if (type !== "Q4_0") throw new Error(`${name} is ${type}: the library's 4 bits hold Q4_0 alone without loss`);
  return bytes.length / BLOCK.bytes;
}

/** Eight levels to a u32: the low halves of a block's bytes, then the high ones. */
function levelsOf(bytes: Uint8Array, tensor: TensorInfo): Uint8Array {
  const blocks = blocksOf(bytes, tensor);
  const packed = new Uint32Array((blocks * BLOCK.weights) / PACKED.levels);
  const lowest = 8 - PACKED.zero; // as Q4_0 writes MLC's lowest level
  for (let block = 0, to = 0; block < blocks; block++) {
    for (const shift of [0, 4]) {
      for (let half = 0; half < 2; half++, to++) {
        const from = block * BLOCK.bytes + 2 + half * PACKED.levels;
        for (let i = 0; i < PACKED.levels; i++) {
          const level = ((bytes[from + i]! >> shift) & 15) - lowest;
          if (level < 0) {
            throw new Error(
              `${tensor.name} has a level -8, which MLC's levels of -7 to 7 do not hold: make it without`,
            );
          }
          packed[to]! |= level << (4 * i);
        }
      }
    }
  }
  return new Uint8Array(packed.buffer);
}

function scalesOf(bytes: Uint8Array, tensor: TensorInfo): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Float32Array.from({ length: blocksOf(bytes, tensor) }, (_, block) =>
    halfToFloat(view.getUint16(block * BLOCK.bytes, true)),
  );
}

function floatsOf(bytes: Uint8Array<ArrayBuffer>, { type }: TensorInfo): Float32Array {
  return formatOf(type).dequantize(bytes);
}

function floatBytes(values: Float32Array, dtype: MlcParameter["dtype"], name: string): Uint8Array {
  if (dtype === "float32") return new Uint8Array(values.slice().buffer);
  if (dtype !== "float16") throw new Error(`${name} is ${dtype} in the library, and floats in the file`);
  const halves = Uint16Array.from(values, floatToHalf);
  values.forEach((value, i) => {
    if (halfToFloat(halves[i]!) !== value) throw new Error(`${name}: ${value} is no half, which the library wants`);
  });
  return new Uint8Array(halves.buffer);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
