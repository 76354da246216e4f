import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import pairs from "../repack_pairs.wgsl?raw";
import loader from "./q2_k.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** 16 bytes of scales (low nibble) and mins (high), 64 bytes of bit pairs, f16 scale of scales, f16 scale of mins. */
const BYTES = 84;
const CHUNK_BLOCKS = 1;

/**
 * GGUF `Q2_K`: weight = d · scale · two bits - dmin · min, scale and min per 16 weights, d and dmin per 256. In the file
 * 32 bytes hold the bits of four groups; on the GPU each group of 32 has its two words.
 *
 * Source: `block_q2_K` and `dequantize_row_q2_K` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q2_k: WeightFormat = {
  type: "Q2_K",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  repack: defineRepack("q2_k", repack, CHUNK_BLOCKS, [pairs]),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    return layoutOf([2 * groups, groups / 2, groups / 8], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from + 80, true));
      const dmin = halfToFloat(view.getUint16(from + 82, true));
      for (let i = 0; i < WEIGHTS; i++) {
        // Halves of 128 weights: 32 bytes hold the bits of four groups of 32, the first lowest.
        const pair = (bytes[from + 16 + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
        const factors = bytes[from + (i >> 4)]!;
        values[to + i] = d * (factors & 15) * pair - dmin * (factors >> 4);
      }
    }
    return values;
  },
};
