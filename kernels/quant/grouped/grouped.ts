import { layoutOf, type WeightFormat } from "../format";
import { defineRepack } from "../repack";
import blocks1 from "./blocks_1.wgsl?raw";
import blocks2 from "./blocks_2.wgsl?raw";
import blocks4 from "./blocks_4.wgsl?raw";
import factors from "./factors.wgsl?raw";
import g4 from "./g4.wgsl?raw";
import g8 from "./g8.wgsl?raw";
import repack from "./repack.wgsl?raw";
import words4 from "./words_4.wgsl?raw";
import words8 from "./words_8.wgsl?raw";

/** f32 scale and f32 bias. */
const FACTOR_BYTES = 8;
const CHUNK_BLOCKS = 1;

const BLOCKS: Readonly<Record<number, string>> = { 32: blocks1, 64: blocks2, 128: blocks4 };

/**
 * Weights of GPTQ, AWQ, MLX and compressed-tensors files: weight = value · scale + bias, with values of 4 or 8 bits and
 * one scale and bias per group. No file has it: src/hugging_face/packed makes its blocks (f32 scale, f32 bias, then values,
 * nibbles in the order of Q4_0) from what those files have, without rounding anything.
 *
 * A zero point z becomes the bias -z · scale: exact, as z has 8 bits and an f16 or bf16 scale at most 11.
 */
function grouped(bits: 4 | 8, weights: 32 | 64 | 128): WeightFormat {
  const bytes = FACTOR_BYTES + (weights * bits) / 8;
  const type = `G${bits}_${weights}`;
  const blocks = BLOCKS[weights]!;
  return {
    type,
    blockWeights: weights,
    blockBytes: bytes,
    loader: { wgsl: [blocks, factors, bits === 4 ? g4 : g8].join("\n") },
    repack: defineRepack(type.toLowerCase(), repack, CHUNK_BLOCKS, [blocks, bits === 4 ? words4 : words8]),
    layout(rows, cols) {
      const groups = rows * Math.ceil(cols / weights);
      return layoutOf([(groups * weights * bits) / 32, 2 * groups], CHUNK_BLOCKS);
    },

    dequantize(file) {
      const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
      const values = new Float32Array((file.length / bytes) * weights);
      for (let from = 0, to = 0; from < file.length; from += bytes, to += weights) {
        const scale = view.getFloat32(from, true);
        const bias = view.getFloat32(from + 4, true);
        for (let i = 0; i < weights; i++) {
          // Product and sum are exact in f64 for f16 and bf16 factors: rounded once.
          values[to + i] = valueAt(file, from + FACTOR_BYTES, bits, i) * scale + bias;
        }
      }
      return values;
    },
  };
}

function valueAt(file: Uint8Array, start: number, bits: 4 | 8, i: number): number {
  if (bits === 8) return file[start + i]!;
  const byte = file[start + 16 * (i >> 5) + (i & 15)]!;
  return i & 16 ? byte >> 4 : byte & 15;
}

export const groupedFormats: readonly WeightFormat[] = [
  grouped(4, 32),
  grouped(4, 64),
  grouped(4, 128),
  grouped(8, 32),
  grouped(8, 64),
];
