import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { scaleAndMin } from "../k_scales";
import kScales from "../k_scales.wgsl?raw";
import { defineRepack } from "../repack";
import integers from "./integers.wgsl?raw";
import loader from "./q4_k.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale of scales, f16 scale of mins, 8 scales and 8 mins of 6 bits in 12 bytes, 128 bytes of nibbles. */
const BYTES = 144;
const CHUNK_BLOCKS = 1;

/**
 * GGUF `Q4_K`: weight = d · scale · nibble - dmin · min, scale and min per 32 weights, d and dmin per 256. In the file
 * 32 bytes hold the nibbles of two groups, low and high; on the GPU each group has 16 bytes in the order of Q4_0, then
 * come the file's first 16 bytes of each block as they are.
 *
 * Source: `block_q4_K` and `dequantize_row_q4_K` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q4_k: WeightFormat = {
  type: "Q4_K",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  integers,
  shared: [kScales],
  repack: defineRepack("q4_k", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    return layoutOf([4 * groups, (4 * groups) / 8], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES) {
      const d = halfToFloat(view.getUint16(from, true));
      const dmin = halfToFloat(view.getUint16(from + 2, true));
      for (let group = 0; group < 8; group++, to += 32) {
        const [scale, min] = scaleAndMin(bytes, from + 4, group);
        const nibbles = from + 16 + 32 * (group >> 1);
        const shift = 4 * (group & 1);
        for (let i = 0; i < 32; i++) values[to + i] = d * scale * ((bytes[nibbles + i]! >> shift) & 15) - dmin * min;
      }
    }
    return values;
  },
};
