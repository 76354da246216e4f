// What each architecture's Hugging Face folder says, as GGUF says it: config fields to metadata keys, tensor names to
// tensor names, and where the numbers themselves differ. A new architecture is one entry here beside its models/ file.
//
// Sources: transformers' configuration and modeling files of each architecture; names and keys from llama.cpp
// (gguf-py, tensor_mapping.py and constants.py), values from convert_hf_to_gguf.py.

import type { MetadataValue } from "../files/weights_file";
import { type HfConfig, headDim } from "./config";
import { ropeMetadata } from "./rope_scaling";

export interface HfArchitecture {
  /** Value of `general.architecture`. */
  readonly architecture: string;
  /** Activation functions that the model file has. */
  readonly activations: readonly string[];
  /** What `tie_word_embeddings` is when the config does not say. */
  readonly tied: boolean;
  /** Rows of q and k are permuted, heads of `headDim` rows. */
  readonly interleaved: boolean;
  /** Norm gains are stored without their 1. */
  readonly gainPlusOne: boolean;
  /** Names in a layer, without `model.layers.N.` and `blk.N.`, and without `.weight` and `.bias`. */
  readonly layer: Readonly<Record<string, string>>;
  /** Metadata beyond {@link sharedMetadata}, keys without the architecture. Refuses what the model file does not have. */
  readonly metadata: (config: HfConfig) => Readonly<Record<string, MetadataValue | undefined>>;
}

const ATTENTION_AND_FFN = {
  input_layernorm: "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
} as const;
const HEAD_NORMS = { "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm" } as const;

const llama: HfArchitecture = {
  architecture: "llama",
  activations: ["silu"],
  tied: false,
  interleaved: true,
  gainPlusOne: false,
  layer: { ...ATTENTION_AND_FFN, post_attention_layernorm: "ffn_norm" },
  metadata: (config) => ropeMetadata(config),
};

const mistral: HfArchitecture = {
  ...llama,
  // The first Mistral models look back 4,096 tokens; up to there the window makes no difference.
  metadata: (config) => ({
    ...ropeMetadata(config),
    context_length: Math.min(config.count("max_position_embeddings"), config.count("sliding_window", Infinity)),
  }),
};

const qwen2: HfArchitecture = {
  ...llama,
  architecture: "qwen2",
  interleaved: false,
  metadata: (config) => {
    if (config.flag("use_sliding_window", false)) config.refuse("use_sliding_window", "true", "false");
    return ropeMetadata(config);
  },
};

const qwen3: HfArchitecture = { ...qwen2, architecture: "qwen3", layer: { ...qwen2.layer, ...HEAD_NORMS } };

const gemma3: HfArchitecture = {
  architecture: "gemma3",
  activations: ["gelu_pytorch_tanh"],
  tied: true,
  interleaved: false,
  gainPlusOne: true,
  layer: {
    ...ATTENTION_AND_FFN,
    ...HEAD_NORMS,
    post_attention_layernorm: "post_attention_norm",
    pre_feedforward_layernorm: "ffn_norm",
    post_feedforward_layernorm: "post_ffw_norm",
  },
  metadata: (config) => {
    if (config.number("attn_logit_softcapping", 0) !== 0) config.refuse("attn_logit_softcapping", "a cap", "none");
    if (config.flag("use_bidirectional_attention", false))
      config.refuse("use_bidirectional_attention", "true", "false");
    const layers = config.count("num_hidden_layers");
    const types = config.strings("layer_types");
    const pattern = config.count("sliding_window_pattern", 6);
    return {
      ...ropeMetadata(config, {
        theta: 1_000_000,
        localTheta: 10_000,
        global: "full_attention",
        local: "sliding_attention",
      }),
      "attention.sliding_window": config.count("sliding_window", 4096),
      "attention.sliding_window_pattern": types
        ? types.map((type) => type === "sliding_attention")
        : Array.from({ length: Math.min(layers, MAX_PATTERN) }, (_, layer) => (layer + 1) % pattern !== 0),
      "attention.scale": config.number("query_pre_attn_scalar", 256) ** -0.5,
      final_logit_softcapping: config.number("final_logit_softcapping", 0),
    };
  },
};

/** A config may claim any number of layers; the model file limits it later. */
const MAX_PATTERN = 1_000;

/** By `model_type` of the config (of its `text_config` where it has one). */
export const hfArchitectures: ReadonlyMap<string, HfArchitecture> = new Map([
  ["llama", llama],
  ["mistral", mistral],
  ["qwen2", qwen2],
  ["qwen3", qwen3],
  ["gemma3_text", gemma3],
]);

/** What every architecture here has, keys without the architecture. */
export function sharedMetadata(config: HfConfig): Readonly<Record<string, MetadataValue>> {
  return {
    block_count: config.count("num_hidden_layers"),
    context_length: config.count("max_position_embeddings"),
    embedding_length: config.count("hidden_size"),
    feed_forward_length: config.count("intermediate_size"),
    "attention.head_count": config.count("num_attention_heads"),
    "attention.head_count_kv": config.count("num_key_value_heads", config.count("num_attention_heads")),
    "attention.key_length": headDim(config),
    "attention.value_length": headDim(config),
    "attention.layer_norm_rms_epsilon": Math.fround(config.number("rms_norm_eps", 1e-6)), // as PyTorch adds it
    "rope.dimension_count": headDim(config),
  };
}
