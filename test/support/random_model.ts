// Small models with seeded random weights, as GGUF: every block really changes the residual stream, so that a wrong
// kernel shows in the logits. Deviations as in the fixtures' generator: gain / sqrt(fan in).

import { type GgufFile, type GgufTensor, type GgufValue, gguf } from "./gguf_writer";
import { randomWeights } from "./random_weights";

export interface RandomModel {
  readonly architecture?: "llama" | "qwen2" | "qwen3";
  readonly layers?: number;
  readonly dim?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly hidden?: number;
  readonly vocab?: number;
  readonly context?: number;
  /** Type of the matrices; norms and biases are F32. */
  readonly type?: string;
  /** Type of the token embedding and the head; `type` when absent. */
  readonly embedType?: string;
  /** Types of single matrices, by the end of their name: `attn_v.weight`. */
  readonly types?: Readonly<Record<string, string>>;
  /** Matrices that have a bias, as blocks name them: `attn_q`. Those of q, k and v for qwen2, none otherwise, when absent. */
  readonly biases?: readonly string[];
  /** No `output.weight`: the head is the embedding. */
  readonly tied?: boolean;
  /** `spm`: a made-up vocabulary with byte tokens (at least 259 tokens); `none`: ids only. */
  readonly tokenizer?: "spm" | "none";
  readonly seed?: number;
}

/** A model of two layers, width 64, 4 query heads over 2 key heads, unless asked otherwise. */
export function randomModel(options: RandomModel = {}): GgufFile {
  const architecture = options.architecture ?? "llama";
  const { layers = 2, dim = 64, heads = 4, kvHeads = 2, hidden = 128, vocab = 320, context = 256 } = options;
  const { headDim = dim / heads, type = "F32", tied = false, tokenizer = "none", seed = 1 } = options;
  const embedType = options.embedType ?? type;
  const biases = options.biases ?? (architecture === "qwen2" ? ["attn_q", "attn_k", "attn_v"] : []);
  const tensors: GgufTensor[] = [];

  function add(name: string, of: string, shape: readonly number[], deviation: number, mean = 0): void {
    const weights = shape.reduce((a, b) => a * b, 1);
    const own = seed * 1_000_003 + tensors.length;
    tensors.push({
      name,
      type: of,
      shape,
      data: () => randomWeights({ type: of, weights, seed: own, mean, deviation }),
    });
  }
  const typeOf = (name: string) => Object.entries(options.types ?? {}).find(([end]) => name.endsWith(end))?.[1] ?? type;
  const matrix = (name: string, rows: number, cols: number) => {
    add(name, typeOf(name), [rows, cols], 1 / Math.sqrt(cols));
    if (biases.some((of) => name.endsWith(`.${of}.weight`))) bias(name.replace(/weight$/, "bias"), rows);
  };
  const norm = (name: string, width: number) => add(name, "F32", [width], 0.25, 1);
  const bias = (name: string, width: number) => add(name, "F32", [width], 0.2);

  add("token_embd.weight", embedType, [vocab, dim], tied ? 3 / Math.sqrt(dim) : 1);
  norm("output_norm.weight", dim);
  if (!tied) add("output.weight", embedType, [vocab, dim], 3 / Math.sqrt(dim));
  for (let i = 0; i < layers; i++) {
    const at = `blk.${i}.`;
    norm(`${at}attn_norm.weight`, dim);
    matrix(`${at}attn_q.weight`, heads * headDim, dim);
    matrix(`${at}attn_k.weight`, kvHeads * headDim, dim);
    matrix(`${at}attn_v.weight`, kvHeads * headDim, dim);
    if (architecture === "qwen3") {
      norm(`${at}attn_q_norm.weight`, headDim);
      norm(`${at}attn_k_norm.weight`, headDim);
    }
    matrix(`${at}attn_output.weight`, dim, heads * headDim);
    norm(`${at}ffn_norm.weight`, dim);
    matrix(`${at}ffn_gate.weight`, hidden, dim);
    matrix(`${at}ffn_up.weight`, hidden, dim);
    matrix(`${at}ffn_down.weight`, dim, hidden);
  }

  const metadata: Record<string, GgufValue> = {
    "general.architecture": gguf.string(architecture),
    "general.name": gguf.string(`random ${architecture}`),
    [`${architecture}.block_count`]: gguf.u32(layers),
    [`${architecture}.context_length`]: gguf.u32(context),
    [`${architecture}.embedding_length`]: gguf.u32(dim),
    [`${architecture}.feed_forward_length`]: gguf.u32(hidden),
    [`${architecture}.attention.head_count`]: gguf.u32(heads),
    [`${architecture}.attention.head_count_kv`]: gguf.u32(kvHeads),
    [`${architecture}.attention.key_length`]: gguf.u32(headDim),
    [`${architecture}.attention.value_length`]: gguf.u32(headDim),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: gguf.f32(1e-5),
    [`${architecture}.rope.dimension_count`]: gguf.u32(headDim),
    [`${architecture}.rope.freq_base`]: gguf.f32(10_000),
    [`${architecture}.vocab_size`]: gguf.u32(vocab),
  };
  if (tokenizer === "spm") Object.assign(metadata, spmVocabulary(vocab));
  return { metadata, tensors };
}

/** Token types of SPM vocabularies. Source: `llama_token_type` in llama.h. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

function spmVocabulary(size: number): Record<string, GgufValue> {
  const tokens = ["<unk>", "<s>", "</s>"];
  const types = [UNKNOWN, CONTROL, CONTROL];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    types.push(BYTE);
  }
  for (let i = tokens.length; i < size; i++) {
    tokens.push(`${i % 3 ? "\u2581" : ""}${i.toString(36)}`);
    types.push(NORMAL);
  }
  return {
    "tokenizer.ggml.model": gguf.string("llama"),
    "tokenizer.ggml.tokens": gguf.array("string", tokens.slice(0, size)),
    "tokenizer.ggml.scores": gguf.array(
      "float32",
      Float32Array.from({ length: size }, (_, i) => -i),
    ),
    "tokenizer.ggml.token_type": gguf.array("int32", types.slice(0, size)),
    "tokenizer.ggml.bos_token_id": gguf.u32(1),
    "tokenizer.ggml.eos_token_id": gguf.u32(2),
    "tokenizer.ggml.unknown_token_id": gguf.u32(0),
    "tokenizer.ggml.add_bos_token": gguf.bool(true),
  };
}
