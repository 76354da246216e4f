import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { scaleAndMin } from "../k_scales";
import kScales from "../k_scales.wgsl?raw";
import { defineRepack } from "../repack";
import integers from "./integers.wgsl?raw";
import loader from "./q5_k.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/**
 * f16 scale of scales, f16 scale of mins, 8 scales and 8 mins of 6 bits in 12 bytes, 32 bytes of high bits, 128 bytes of
 * low nibbles.
 */
const BYTES = 176;
const CHUNK_BLOCKS = 1;

/**
 * GGUF `Q5_K`: weight = d · scale · five bits - dmin · min, scale and min per 32 weights, d and dmin per 256. On the GPU
 * each group of 32 has its nibbles in 16 bytes in the order of Q5_0 and its high bits in a word; then come the file's
 * first 16 bytes of each block as they are.
 *
 * Source: `block_q5_K` and `dequantize_row_q5_K` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q5_k: WeightFormat = {
  type: "Q5_K",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  integers,
  shared: [kScales],
  repack: defineRepack("q5_k", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    return layoutOf([4 * groups, groups, groups / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES) {
      const d = halfToFloat(view.getUint16(from, true));
      const dmin = halfToFloat(view.getUint16(from + 2, true));
      for (let group = 0; group < 8; group++, to += 32) {
        const [scale, min] = scaleAndMin(bytes, from + 4, group);
        for (let i = 0; i < 32; i++) {
          // Bit g of byte i is the high bit of weight i of group g; nibbles as in Q4_K.
          const high = (bytes[from + 16 + i]! >> group) & 1;
          const low = (bytes[from + 48 + 32 * (group >> 1) + i]! >> (4 * (group & 1))) & 15;
          values[to + i] = d * scale * (low | (high << 4)) - dmin * min;
        }
      }
    }
    return values;
  },
};
