import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import pairs from "../repack_pairs.wgsl?raw";
import repack from "./repack.wgsl?raw";
import loader from "./tq2_0.wgsl?raw";

const WEIGHTS = 256;
/** 64 bytes of bit pairs, f16 scale. */
const BYTES = 66;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `TQ2_0`: weight = (two bits - 1) · scale, scale per 256 weights. In the file 32 bytes hold the bits of four groups;
 * on the GPU each group of 32 has its two words, then come the scales, two to a word.
 *
 * Source: `block_tq2_0` and `dequantize_row_tq2_0` of ggml (ggml-common.h, ggml-quants.c).
 */
export const tq2_0: WeightFormat = {
  type: "TQ2_0",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },

  repack: defineRepack("tq2_0", repack, CHUNK_BLOCKS, [pairs]),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([2 * groups, Math.ceil(blocks / 2)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from + 64, true));
      for (let i = 0; i < WEIGHTS; i++) {
        const pair = (bytes[from + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
        values[to + i] = (pair - 1) * d;
      }
    }
    return values;
  },
};
