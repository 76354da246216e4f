// GGUF models as the Hugging Face folders that they could have been converted from, written independently of the reader:
// names, rows of q and k in halves, gains without their 1, config.json.

import { memorySource } from "../../src/files/memory_source";
import type { TensorInfo, WeightsFile } from "../../src/files/weights_file";
import type { Tensors, WrittenTensor } from "./safetensors_writer";

export interface HuggingFaceTwin {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Tensors;
  /** The GGUF model with exactly these weights (a gain may differ in its last bit from the file's). */
  readonly gguf: WeightsFile;
}

const LAYER: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
const LLAMA_NORMS = { ffn_norm: "post_attention_layernorm" };
const GEMMA_NORMS = {
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

/** @param file A llama, qwen2, qwen3 or gemma3 model in F32, F16 or BF16. */
export async function huggingFaceTwin(file: WeightsFile): Promise<HuggingFaceTwin> {
  const architecture = String(file.metadata.get("general.architecture"));
  const gemma = architecture === "gemma3";
  const number = (key: string) => file.metadata.get(`${architecture}.${key}`) as number;
  const heads = number("attention.head_count");
  const headDim = number("attention.key_length") ?? number("embedding_length") / heads;
  const names: Readonly<Record<string, string>> = { ...LAYER, ...(gemma ? GEMMA_NORMS : LLAMA_NORMS) };

  const tensors: Record<string, WrittenTensor> = {};
  const twins = new Map<string, TensorInfo>();
  for (const tensor of file.tensors.values()) {
    let bytes: Uint8Array<ArrayBuffer> = await tensor.source.read(tensor.offset, tensor.bytes);
    let twin = tensor;
    if (architecture === "llama" && /attn_[qk]\./.test(tensor.name)) bytes = toHalves(bytes, tensor.shape[0]!, headDim);
    if (gemma && tensor.name.includes("_norm.")) {
      const less = new Float32Array(bytes.buffer).map((gain) => gain - 1);
      bytes = new Uint8Array(less.buffer);
      const source = memorySource(new Uint8Array(less.map((gain) => gain + 1).buffer), tensor.name);
      twin = { ...tensor, offset: 0, source };
    }
    twins.set(tensor.name, twin);
    tensors[hfName(tensor.name, names)] = { dtype: tensor.type, shape: tensor.shape, bytes };
  }
  const config = {
    architectures: ["ForCausalLM"],
    model_type: gemma ? "gemma3_text" : architecture,
    hidden_act: gemma ? "gelu_pytorch_tanh" : "silu",
    hidden_size: number("embedding_length"),
    intermediate_size: number("feed_forward_length"),
    num_hidden_layers: number("block_count"),
    num_attention_heads: heads,
    num_key_value_heads: number("attention.head_count_kv"),
    head_dim: headDim,
    max_position_embeddings: number("context_length"),
    rms_norm_eps: number("attention.layer_norm_rms_epsilon"),
    rope_theta: number("rope.freq_base"),
    tie_word_embeddings: !file.tensors.has("output.weight"),
    ...(gemma && {
      query_pre_attn_scalar: headDim,
      sliding_window: number("attention.sliding_window"),
      rope_local_base_freq: number("rope.freq_base_swa") ?? 10_000,
    }),
  };
  return { config, tensors, gguf: { ...file, tensors: twins } };
}

function hfName(name: string, layer: Readonly<Record<string, string>>): string {
  const [, index, module, part] = /^blk\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (module) return `model.layers.${index}.${layer[module]}.${part}`;
  return (
    { "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight" }[name] ??
    "lm_head.weight"
  );
}

/** Rows 0 2 4 ... of each head first, then 1 3 5 ... */
function toHalves(bytes: Uint8Array, rows: number, headDim: number): Uint8Array<ArrayBuffer> {
  const rowBytes = bytes.length / rows;
  const out = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const to = row - within + (within % 2) * (headDim / 2) + Math.floor(within / 2);
    out.set(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), to * rowBytes);
  }
  return out;
}
