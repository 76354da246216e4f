import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import repack from "./repack.wgsl?raw";
import loader from "./tq1_0.wgsl?raw";

const WEIGHTS = 256;
/** 48 bytes of five ternary digits, 4 bytes of four, f16 scale. */
const BYTES = 54;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `TQ1_0`: weight = (ternary digit - 1) · scale, scale per 256 weights. On the GPU the first 32 bytes of each block,
 * the next 16, the last 4 and the scale are four sections; digits stay packed as in the file.
 *
 * A byte is a fraction of 256: times 3, what passes 256 is its first digit. Digit n of bytes 0-31 is that of weights
 * 32 n ..., of bytes 32-47 that of weights 160 + 16 n ..., of bytes 48-51 that of weights 240 + 4 n ...
 *
 * Source: `block_tq1_0` and `dequantize_row_tq1_0` of ggml (ggml-common.h, ggml-quants.c).
 */
export const tq1_0: WeightFormat = {
  type: "TQ1_0",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },

  repack: defineRepack("tq1_0", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([8 * blocks, 4 * blocks, blocks, Math.ceil(blocks / 2)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from + 52, true));
      for (let i = 0; i < 160; i++) values[to + i] = (digit(bytes[from + (i & 31)]!, i >> 5) - 1) * d;
      for (let i = 0; i < 80; i++) values[to + 160 + i] = (digit(bytes[from + 32 + (i & 15)]!, i >> 4) - 1) * d;
      for (let i = 0; i < 16; i++) values[to + 240 + i] = (digit(bytes[from + 48 + (i & 3)]!, i >> 2) - 1) * d;
    }
    return values;
  },
};

function digit(byte: number, n: number): number {
  return (((byte * 3 ** n) & 255) * 3) >> 8;
}
