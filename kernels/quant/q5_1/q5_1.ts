import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import spreadBits from "../spread_bits.wgsl?raw";
import loader from "./q5_1.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 32;
/**
 * f16 scale, f16 minimum, 32 high bits (bit i is weight i's), 16 bytes of nibbles: weight i (low) and weight i + 16
 * (high).
 */
const BYTES = 24;
const CHUNK_BLOCKS = 1;

/**
 * GGUF `Q5_1`: weight = five bits · scale + minimum. On the GPU the nibbles come first, then a word of high bits per
 * block, then a word of scale and minimum.
 *
 * Source: `block_q5_1` and `dequantize_row_q5_1` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q5_1: WeightFormat = {
  type: "Q5_1",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  repack: defineRepack("q5_1", repack, CHUNK_BLOCKS, [spreadBits]),
  layout(rows, cols) {
    const blocks = groupsOf(rows, cols);
    return layoutOf([4 * blocks, blocks, blocks], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const scale = halfToFloat(view.getUint16(from, true));
      const minimum = halfToFloat(view.getUint16(from + 2, true));
      const high = view.getUint32(from + 4, true);
      for (let i = 0; i < WEIGHTS; i++) {
        const nibble = (bytes[from + 8 + (i & 15)]! >> (i & 16 ? 4 : 0)) & 15;
        values[to + i] = (nibble | (((high >>> i) & 1) << 4)) * scale + minimum;
      }
    }
    return values;
  },
};
