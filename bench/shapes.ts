// Model files with the shapes of well known models and random weights: speed depends on shapes and types alone, and no
// download is needed. Their vocabulary is made up: single bytes, the digits of base 36, then numbers in it.

import { createHash } from "node:crypto";
import { type GgufValue, gguf, ggufHeaderBytes, padding, placeEntries, tensorBytes } from "../src/files/gguf_writer";
import type { TensorInfo, WeightsFile } from "../src/files/weights_file";
import { chooseTypes } from "../src/quantize/choose";
import { randomBlocks, randomVector } from "./random_blocks";

/** Sizes of a model, as its released configuration has them. */
export interface Shape {
  readonly architecture: "llama" | "qwen2" | "qwen3" | "gemma3";
  readonly layers: number;
  readonly dim: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly ropeBase: number;
  readonly eps: number;
  /** Keys that a query sees in windowed layers. */
  readonly window?: number;
  /** Divisors of RoPE's frequencies, as Llama 3.1 and later have them. */
  readonly ropeFactors?: boolean;
}

/** Longer than the models', so that every depth of the benchmark fits each. Source of the rest: their config.json. */
const CONTEXT = 65_536;

export const SHAPES = {
  "smollm2-135m": {
    architecture: "llama",
    layers: 30,
    dim: 576,
    hidden: 1536,
    heads: 9,
    kvHeads: 3,
    headDim: 64,
    vocab: 49_152,
    ropeBase: 100_000,
    eps: 1e-5,
  },
  "gemma3-270m": {
    architecture: "gemma3",
    layers: 18,
    dim: 640,
    hidden: 2048,
    heads: 4,
    kvHeads: 1,
    headDim: 256,
    vocab: 262_144,
    ropeBase: 1_000_000,
    eps: 1e-6,
    window: 512,
  },
  "qwen2-0.5b": {
    architecture: "qwen2",
    layers: 24,
    dim: 896,
    hidden: 4864,
    heads: 14,
    kvHeads: 2,
    headDim: 64,
    vocab: 151_936,
    ropeBase: 1_000_000,
    eps: 1e-6,
  },
  "qwen3-0.6b": {
    architecture: "qwen3",
    layers: 28,
    dim: 1024,
    hidden: 3072,
    heads: 16,
    kvHeads: 8,
    headDim: 128,
    vocab: 151_936,
    ropeBase: 1_000_000,
    eps: 1e-6,
  },
  "llama-3.2-1b": {
    architecture: "llama",
    layers: 16,
    dim: 2048,
    hidden: 8192,
    heads: 32,
    kvHeads: 8,
    headDim: 64,
    vocab: 128_256,
    ropeBase: 500_000,
    eps: 1e-5,
    ropeFactors: true,
  },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;
export const SHAPE_NAMES = Object.keys(SHAPES) as readonly ShapeName[];

/**
 * Which types the tensors get, as `fennec quantize` chooses them: Q4_K is a mix with Q6_K, the head is never below it.
 * Q4_0_pure has every matrix in Q4_0, the head too, and none of its levels is -8, so that formats whose levels are
 * symmetrical, as WebLLM's q4f16_1, hold the same weights.
 */
export const SHAPE_TYPES = ["F16", "Q8_0", "Q4_0", "Q4_0_pure", "Q4_K"] as const;
export type ShapeType = (typeof SHAPE_TYPES)[number];

interface ShapeTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

function tensorsOf(shape: Shape): ShapeTensor[] {
  const { layers, dim, hidden, heads, kvHeads, headDim, vocab, architecture } = shape;
  const vector = (name: string, width: number): ShapeTensor => ({ name: `${name}.weight`, shape: [width] });
  const matrix = (name: string, rows: number, cols: number): ShapeTensor => ({
    name: `${name}.weight`,
    shape: [rows, cols],
  });
  const bias = (name: string, width: number): ShapeTensor => ({ name: `${name}.bias`, shape: [width] });
  const headNorms = architecture === "qwen3" || architecture === "gemma3";
  const biased = architecture === "qwen2";
  const sandwich = architecture === "gemma3";
  return [
    matrix("token_embd", vocab, dim), // the head too: all of them tie the two
    vector("output_norm", dim),
    ...(shape.ropeFactors ? [vector("rope_freqs", headDim / 2)] : []),
    ...Array.from({ length: layers }, (_, layer) => {
      const at = `blk.${layer}.`;
      return [
        vector(`${at}attn_norm`, dim),
        matrix(`${at}attn_q`, heads * headDim, dim),
        matrix(`${at}attn_k`, kvHeads * headDim, dim),
        matrix(`${at}attn_v`, kvHeads * headDim, dim),
        ...(biased
          ? [
              bias(`${at}attn_q`, heads * headDim),
              bias(`${at}attn_k`, kvHeads * headDim),
              bias(`${at}attn_v`, kvHeads * headDim),
            ]
          : []),
        ...(headNorms ? [vector(`${at}attn_q_norm`, headDim), vector(`${at}attn_k_norm`, headDim)] : []),
        matrix(`${at}attn_output`, dim, heads * headDim),
        ...(sandwich ? [vector(`${at}post_attention_norm`, dim)] : []),
        vector(`${at}ffn_norm`, dim),
        matrix(`${at}ffn_gate`, hidden, dim),
        matrix(`${at}ffn_up`, hidden, dim),
        matrix(`${at}ffn_down`, dim, hidden),
        ...(sandwich ? [vector(`${at}post_ffw_norm`, dim)] : []),
      ];
    }).flat(),
  ];
}

function metadataOf(name: ShapeName, type: ShapeType): Map<string, GgufValue> {
  const shape: Shape = SHAPES[name];
  const own = (key: string, value: GgufValue): [string, GgufValue] => [`${shape.architecture}.${key}`, value];
  return new Map([
    ["general.architecture", gguf.string(shape.architecture)],
    ["general.name", gguf.string(`${name} ${type}, random weights`)],
    own("block_count", gguf.u32(shape.layers)),
    own("context_length", gguf.u32(CONTEXT)),
    own("embedding_length", gguf.u32(shape.dim)),
    own("feed_forward_length", gguf.u32(shape.hidden)),
    own("attention.head_count", gguf.u32(shape.heads)),
    own("attention.head_count_kv", gguf.u32(shape.kvHeads)),
    own("attention.key_length", gguf.u32(shape.headDim)),
    own("attention.value_length", gguf.u32(shape.headDim)),
    own("attention.layer_norm_rms_epsilon", gguf.f32(shape.eps)),
    own("rope.dimension_count", gguf.u32(shape.headDim)),
    own("rope.freq_base", gguf.f32(shape.ropeBase)),
    own("vocab_size", gguf.u32(shape.vocab)),
    ...(shape.window === undefined ? [] : [own("attention.sliding_window", gguf.u32(shape.window))]),
    ...vocabulary(shape),
  ]);
}

/** Token types of SentencePiece vocabularies. Source: `llama_token_type` in llama.h. */
const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, byte: 6 };

/**
 * A SentencePiece vocabulary, so that engines that want text find some. Every piece is two others joined, down to single
 * characters: Hugging Face's tokenizers refuse merges of what is no token. Qwen2's texts begin with neither a BOS token
 * nor a space of the tokenizer's own.
 */
function vocabulary({ vocab: size, architecture }: Shape): [string, GgufValue][] {
  const { normal, unknown, control, byte } = TOKEN_TYPES;
  const plain = architecture === "qwen2";
  const tokens = ["<unk>", "<s>", "</s>"];
  for (let value = 0; value < 256; value++) tokens.push(`<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`);
  tokens.push("\u2581", ..."0123456789abcdefghijklmnopqrstuvwxyz");
  for (let number = 0; tokens.length < size; number++) tokens.push(`\u2581${number.toString(36)}`);
  const types = tokens.map((_, id) => (id === 0 ? unknown : id < 3 ? control : id < 259 ? byte : normal));
  return [
    ["tokenizer.ggml.model", gguf.string("llama")],
    ["tokenizer.ggml.tokens", gguf.array("string", tokens)],
    [
      "tokenizer.ggml.scores",
      gguf.array(
        "float32",
        Float32Array.from(tokens, (_, id) => -id),
      ),
    ],
    ["tokenizer.ggml.token_type", gguf.array("int32", types)],
    ["tokenizer.ggml.bos_token_id", gguf.u32(1)],
    ["tokenizer.ggml.eos_token_id", gguf.u32(2)],
    ["tokenizer.ggml.unknown_token_id", gguf.u32(0)],
    ["tokenizer.ggml.add_bos_token", gguf.bool(!plain)],
    ["tokenizer.ggml.add_space_prefix", gguf.bool(!plain)],
  ];
}

/** The type of each tensor. */
function typesOf(tensors: readonly ShapeTensor[], type: ShapeType): readonly string[] {
  const infos = tensors.map(({ name, shape }) => ({ name, shape, type: "F32", offset: 0, bytes: 0 }));
  const file = { name: "shape", tensors: new Map(infos.map((info) => [info.name, info as unknown as TensorInfo])) };
  const ggmlType = type === "Q4_0_pure" ? "Q4_0" : type;
  const keep = type === "Q4_0_pure" ? [{ name: "token_embd.weight", type: ggmlType }] : [];
  return chooseTypes(file as unknown as WeightsFile, ggmlType, keep).map((planned) => planned.type);
}

export interface ShapeFile {
  /** `qwen3-0.6b-Q4_0.gguf`. */
  readonly name: string;
  readonly bytes: number;
  readonly parameters: number;
  /** The file in order; may be read more than once. */
  pieces(): Generator<Uint8Array>;
}

/** A GGUF file that is made while it is read; memory holds one pool of blocks per type. */
export function shapeFile(name: ShapeName, type: ShapeType): ShapeFile {
  const shape: Shape = SHAPES[name];
  const plain = tensorsOf(shape);
  const types = typesOf(plain, type);
  const tensors = plain.map((tensor, i) => ({ ...tensor, type: types[i]! }));
  const header = ggufHeaderBytes({ metadata: metadataOf(name, type), tensors: placeEntries(tensors) });
  const padded = (bytes: number): number => bytes + padding(bytes);
  const weightsOf = (extents: readonly number[]): number => extents.reduce((a, b) => a * b, 1);
  return {
    name: `${name}-${type}.gguf`,
    bytes: padded(header.length) + tensors.reduce((sum, one) => sum + padded(tensorBytes(one.type, one.shape)), 0),
    parameters: tensors.reduce((sum, one) => sum + weightsOf(one.shape), 0),
    *pieces() {
      yield header;
      yield new Uint8Array(padding(header.length));
      for (const [seed, tensor] of tensors.entries()) {
        if (tensor.name === "rope_freqs.weight") yield ropeFactors(shape);
        else if (tensor.name.endsWith(".bias")) yield randomVector(tensor.shape[0]!, 0, seed);
        else if (tensor.shape.length === 1) yield randomVector(tensor.shape[0]!, 1, seed);
        else yield* randomBlocks(type === "Q4_0_pure" ? type : tensor.type, weightsOf(tensor.shape), seed);
        yield new Uint8Array(padding(tensorBytes(tensor.type, tensor.shape)));
      }
    },
  };
}

/** Llama 3.2's: long wave lengths are stretched by 32, short ones not. Source: transformers `modeling_rope_utils.py`. */
function ropeFactors({ headDim, ropeBase }: Shape): Uint8Array {
  const [factor, low, high, original] = [32, 1, 4, 8192];
  const factors = Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = original / (2 * Math.PI * ropeBase ** ((2 * i) / headDim)); // of the original context
    if (turns < low) return factor;
    if (turns > high) return 1;
    const smooth = (turns - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
  return new Uint8Array(factors.buffer as ArrayBuffer);
}

/** Writes the file into a folder, unless one of the same content is there. @returns Its path. */
export async function writeShape(file: ShapeFile, folder: string): Promise<string> {
  const { mkdir, open, rename, stat } = await import("node:fs/promises");
  const { join } = await import("node:path");
  await mkdir(folder, { recursive: true });
  const hash = createHash("sha256").update(`${VERSION} ${file.name} ${file.bytes}`).digest("hex").slice(0, 8);
  const path = join(folder, file.name.replace(/\.gguf$/, `-${hash}.gguf`));
  const size = await stat(path).then(
    (found) => found.size,
    () => -1,
  );
  if (size === file.bytes) return path;
  const handle = await open(`${path}.part`, "w");
  try {
    for (const piece of file.pieces()) await handle.write(piece);
  } finally {
    await handle.close();
  }
  await rename(`${path}.part`, path);
  return path;
}

/** Raised when the content of the files changes. */
const VERSION = 2;
