import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import integers from "./integers.wgsl?raw";
import loader from "./q8_0.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 32;
/** f16 scale, then 32 signed bytes. */
const BYTES = 34;
/** Two scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `Q8_0`: weight = byte · scale. On the GPU the bytes come first, aligned, then the scales, two to a word.
 *
 * Source: `block_q8_0` and `dequantize_row_q8_0` of ggml (ggml-common.h, ggml-quants.c).
 */
export const q8_0: WeightFormat = {
  type: "Q8_0",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  integers,
  repack: defineRepack("q8_0", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const blocks = groupsOf(rows, cols);
    return layoutOf([8 * blocks, Math.ceil(blocks / 2)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const scale = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS; i++) values[to + i] = view.getInt8(from + 2 + i) * scale;
    }
    return values;
  },
};
