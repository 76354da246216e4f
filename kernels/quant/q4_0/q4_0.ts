import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import integers from "./integers.wgsl?raw";
import loader from "./q4_0.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 32;
/** f16 scale, then 16 bytes of nibbles: byte i holds weight i (low) and weight i + 16 (high). */
const BYTES = 18;
/** Two scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `Q4_0`: weight = (nibble - 8) · scale. On the GPU the nibbles come first, aligned and in the file's order, so
 * that `word & 0x0f0f0f0f` gives four neighbours; then the scales, two to a word.
 *
 * Source: `block_q4_0` and `dequantize_row_q4_0` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q4_0: WeightFormat = {
  type: "Q4_0",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  integers,
  repack: defineRepack("q4_0", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const blocks = groupsOf(rows, cols);
    return layoutOf([4 * blocks, Math.ceil(blocks / 2)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const scale = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS / 2; i++) {
        const byte = bytes[from + 2 + i]!;
        values[to + i] = ((byte & 15) - 8) * scale;
        values[to + i + 16] = ((byte >> 4) - 8) * scale;
      }
    }
    return values;
  },
};
