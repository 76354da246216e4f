import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import pairs from "../repack_pairs.wgsl?raw";
import loader from "./q3_k.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** 32 bytes of high bits, 64 bytes of low bit pairs, 16 scales of 6 bits in 12 bytes, f16 scale of scales. */
const BYTES = 110;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `Q3_K`: weight = d · (scale - 32) · (three bits - 4), scale per 16 weights, d per 256. On the GPU the four kinds
 * of bits are four sections, each group of 32 weights aligned; the scales stay packed as in the file.
 *
 * Source: `block_q3_K` and `dequantize_row_q3_K` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q3_k: WeightFormat = {
  type: "Q3_K",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  repack: defineRepack("q3_k", repack, CHUNK_BLOCKS, [pairs]),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([2 * groups, groups, 3 * blocks, Math.ceil(blocks / 2)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from + 108, true));
      for (let i = 0; i < WEIGHTS; i++) {
        // Bit g of byte i is the high bit of weight i of group g; pairs as in Q2_K.
        const high = (bytes[from + (i & 31)]! >> (i >> 5)) & 1;
        const low = (bytes[from + 32 + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
        values[to + i] = d * (scaleOf(bytes, from + 96, i >> 4) - 32) * ((low | (high << 2)) - 4);
      }
    }
    return values;
  },
};

/** Bytes 0-7 hold the lower 4 bits of scales 0-7 (low) and 8-15 (high), bytes 8-11 the upper 2 of s, s + 4, s + 8, s + 12. */
function scaleOf(bytes: Uint8Array, at: number, scale: number): number {
  const low = (bytes[at + (scale & 7)]! >> (scale & 8 ? 4 : 0)) & 15;
  return low | (((bytes[at + 8 + (scale & 3)]! >> (2 * (scale >> 2))) & 3) << 4);
}
