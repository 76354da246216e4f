import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import integers from "./integers.wgsl?raw";
import loader from "./q6_k.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales, f16 scale of scales. */
const BYTES = 210;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `Q6_K`: weight = d · scale · (six bits - 32), scale per 16 weights, d per 256. On the GPU the four kinds of bits
 * are four sections, each group of 32 weights aligned; nothing is rounded or widened.
 *
 * Source: `block_q6_K` and `dequantize_row_q6_K` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q6_k: WeightFormat = {
  type: "Q6_K",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  integers,
  repack: defineRepack("q6_k", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    return layoutOf([4 * groups, 2 * groups, groups / 2, Math.ceil(groups / 16)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from + 208, true));
      for (let i = 0; i < WEIGHTS; i++) {
        // Halves of 128 weights: 64 bytes hold the nibbles of quarters 0 and 1 (low), 2 and 3 (high); 32 bytes the
        // high bits of all four.
        const half = i >> 7;
        const quarter = (i >> 5) & 3;
        const low = bytes[from + 64 * half + 32 * (quarter & 1) + (i & 31)]! >> (4 * (quarter >> 1));
        const high = bytes[from + 128 + 32 * half + (i & 31)]! >> (2 * quarter);
        const scale = view.getInt8(from + 192 + (i >> 4));
        values[to + i] = d * scale * (((low & 15) | ((high & 3) << 4)) - 32);
      }
    }
    return values;
  },
};
