import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./q4_1.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 32;
/** f16 scale, f16 minimum, then 16 bytes of nibbles: byte i holds weight i (low) and weight i + 16 (high). */
const BYTES = 20;
const CHUNK_BLOCKS = 1;

/**
 * GGUF `Q4_1`: weight = nibble · scale + minimum. On the GPU the nibbles come first, in the file's order, then a word of
 * scale and minimum per block.
 *
 * Source: `block_q4_1` and `dequantize_row_q4_1` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q4_1: WeightFormat = {
  type: "Q4_1",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  repack: defineRepack("q4_1", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const blocks = groupsOf(rows, cols);
    return layoutOf([4 * blocks, blocks], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const scale = halfToFloat(view.getUint16(from, true));
      const minimum = halfToFloat(view.getUint16(from + 2, true));
      for (let i = 0; i < WEIGHTS / 2; i++) {
        const byte = bytes[from + 4 + i]!;
        values[to + i] = (byte & 15) * scale + minimum;
        values[to + i + 16] = (byte >> 4) * scale + minimum;
      }
    }
    return values;
  },
};
