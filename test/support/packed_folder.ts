// A small llama folder whose projections are packed weights, and the same model with them as F32.

import { floatToHalf } from "../../kernels/quant/half";
import type { ModelFolder } from "../../src/hugging_face/folder";
import { type PackedMatrix, type PackedOptions, quantizationField, type Scheme } from "./packed_weights";
import { random32 } from "./random_weights";
import { jsonBytes, memoryFolder, safetensorsBytes, type WrittenTensor } from "./safetensors_writer";

const DIM = 256;
const HEADS = 4;
const VOCAB = 320;

/** Projections of the one layer: module, GGUF name, rows, columns. */
const PROJECTIONS: readonly (readonly [string, string, number, number])[] = [
  ["self_attn.q_proj", "attn_q", DIM, DIM],
  ["self_attn.k_proj", "attn_k", DIM / 2, DIM],
  ["self_attn.v_proj", "attn_v", DIM / 2, DIM],
  ["self_attn.o_proj", "attn_output", DIM, DIM],
  ["mlp.gate_proj", "ffn_gate", 512, DIM],
  ["mlp.up_proj", "ffn_up", 512, DIM],
  ["mlp.down_proj", "ffn_down", DIM, 512],
];

export interface PackedFolder {
  readonly folder: ModelFolder;
  /** The same weights as F32. */
  readonly plain: ModelFolder;
  /** What the packed tensors must give, by GGUF's name, in GGUF's order of rows. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

export function packedFolder(
  scheme: Scheme,
  { bits, group }: Pick<PackedOptions, "bits" | "group">,
  matrix: (rows: number, cols: number, index: number) => PackedMatrix,
  changes: object = {},
): PackedFolder {
  const config = {
    model_type: "llama",
    hidden_act: "silu",
    hidden_size: DIM,
    intermediate_size: 512,
    num_hidden_layers: 1,
    num_attention_heads: HEADS,
    num_key_value_heads: HEADS / 2,
    max_position_embeddings: 128,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  };
  const shared: Record<string, WrittenTensor> = {
    "model.embed_tokens.weight": noise([VOCAB, DIM], 1),
    "model.norm.weight": noise([DIM], 2),
    "model.layers.0.input_layernorm.weight": noise([DIM], 3),
    "model.layers.0.post_attention_layernorm.weight": noise([DIM], 4),
  };
  const packed = { ...shared };
  const plain = { ...shared };
  const weights = new Map<string, Float32Array>();
  PROJECTIONS.forEach(([module, name, rows, cols], index) => {
    const made = matrix(rows, cols, index);
    const at = `model.layers.0.${module}`;
    for (const [part, tensor] of Object.entries(made.parts)) packed[`${at}.${part}`] = tensor;
    const bytes = new Uint8Array(made.weights.slice().buffer);
    plain[`${at}.weight`] = { dtype: "F32", shape: [rows, cols], bytes };
    const rotated = name === "attn_q" || name === "attn_k";
    weights.set(`blk.0.${name}.weight`, rotated ? interleaved(made.weights, cols, DIM / HEADS) : made.weights);
  });
  const files = (tensors: Record<string, WrittenTensor>, more: object) =>
    memoryFolder({ "config.json": jsonBytes({ ...config, ...more }), "model.safetensors": safetensorsBytes(tensors) });
  return {
    folder: files(packed, { ...quantizationField(scheme, bits, group), ...changes }),
    plain: files(plain, {}),
    weights,
  };
}

function noise(shape: readonly number[], seed: number): WrittenTensor {
  const next = random32(seed);
  const values = Uint16Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
    floatToHalf(next() / 2 ** 31 - 0.5),
  );
  return { dtype: "F16", shape, bytes: new Uint8Array(values.buffer) };
}

/** Rows 0, half, 1, half + 1, ... of each head. */
function interleaved(weights: Float32Array, cols: number, headDim: number): Float32Array {
  const out = new Float32Array(weights.length);
  for (let row = 0; row < weights.length / cols; row++) {
    const within = row % headDim;
    const to = row - within + (within < headDim / 2 ? 2 * within : 2 * (within - headDim / 2) + 1);
    out.set(weights.subarray(row * cols, (row + 1) * cols), to * cols);
  }
  return out;
}
