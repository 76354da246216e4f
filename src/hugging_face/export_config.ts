// A model file's metadata as the JSON files of a Hugging Face folder: config.json, tokenizer_config.json,
// generation_config.json. The way back from architectures.ts and text_metadata.ts, as far as other engines need it to run
// an exported graph.

import type { JsonObject } from "../files/json";
import type { MetadataValue, WeightsFile } from "../files/weights_file";
import { specialIds } from "../text/special_ids";
import type { Tokenizer } from "../text/tokenizer";
import { hfArchitectures } from "./architectures";

/** What the recorded graph says of itself. */
export interface ExportSizes {
  readonly layers: number;
  readonly dim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  /** Longest sequence, tokens. */
  readonly context: number;
}

export function exportConfig(file: WeightsFile, sizes: ExportSizes): JsonObject {
  const architecture = String(file.metadata.get("general.architecture"));
  const [modelType, known] = [...hfArchitectures].find(([, entry]) => entry.architecture === architecture) ?? [
    architecture,
  ];
  const get = (key: string) => numberOf(file.metadata.get(`${architecture}.${key}`));
  const { bosId } = specialIds(file.metadata, tokensOf(file.metadata));
  return defined({
    architectures: [`${architecture[0]!.toUpperCase()}${architecture.slice(1)}ForCausalLM`],
    model_type: modelType,
    bos_token_id: bosId,
    eos_token_id: endIds(file.metadata),
    hidden_size: sizes.dim,
    intermediate_size: get("feed_forward_length"),
    hidden_act: known?.activations[0],
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.kvHeads,
    head_dim: sizes.headDim,
    max_position_embeddings: sizes.context,
    rms_norm_eps: get("attention.layer_norm_rms_epsilon"),
    rope_theta: get("rope.freq_base"),
    sliding_window: get("attention.sliding_window"),
    tie_word_embeddings: !file.tensors.has("output.weight"),
    vocab_size: sizes.vocab,
    torch_dtype: "float32",
  });
}

/** @param tokenizer Of the same file. */
export function exportTokenizerConfig(file: WeightsFile, tokenizer: Tokenizer, context: number): JsonObject {
  const { unknownId } = specialIds(file.metadata, tokensOf(file.metadata));
  const padId = numberOf(file.metadata.get("tokenizer.ggml.padding_token_id"));
  const text = (id: number | undefined) => (id === undefined ? undefined : tokenizer.tokenText(id));
  const template = file.metadata.get("tokenizer.chat_template");
  return defined({
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: text(tokenizer.bosId),
    eos_token: text(tokenizer.eotId ?? tokenizer.eosId),
    unk_token: text(unknownId),
    pad_token: text(padId ?? tokenizer.eosId),
    add_bos_token: tokenizer.addBos,
    add_eos_token: tokenizer.addEos,
    clean_up_tokenization_spaces: false,
    model_max_length: context,
    padding_side: "left",
    chat_template: typeof template === "string" ? template : undefined,
  });
}

export function exportGenerationConfig({ metadata }: WeightsFile): JsonObject {
  const { bosId } = specialIds(metadata, tokensOf(metadata));
  const sampling = (key: string) => numberOf(metadata.get(`general.sampling.${key}`));
  const temperature = sampling("temp");
  return defined({
    bos_token_id: bosId,
    eos_token_id: endIds(metadata),
    pad_token_id: numberOf(metadata.get("tokenizer.ggml.padding_token_id")),
    ...(temperature !== undefined && temperature > 0 && { do_sample: true, temperature }),
    top_k: sampling("top_k"),
    top_p: sampling("top_p"),
    min_p: sampling("min_p"),
    repetition_penalty: sampling("penalty_repeat"),
  });
}

/** The id that ends a reply, or all of them. */
function endIds(metadata: WeightsFile["metadata"]): number | number[] | undefined {
  const ids = [...specialIds(metadata, tokensOf(metadata)).stopIds];
  return ids.length > 1 ? ids : ids[0];
}

function tokensOf(metadata: WeightsFile["metadata"]): readonly string[] {
  const tokens = metadata.get("tokenizer.ggml.tokens");
  return Array.isArray(tokens) ? tokens.map((token) => (typeof token === "string" ? token : "")) : [];
}

function numberOf(value: MetadataValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Without the fields that are undefined. */
function defined(object: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter((entry): entry is [string, JsonObject[string]] => entry[1] !== undefined),
  );
}
