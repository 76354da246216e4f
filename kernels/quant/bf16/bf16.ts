import { GROUP_WEIGHTS, groupsOf, layoutOf, type WeightFormat } from "../format";
import { defineRepack } from "../repack";
import loader from "./bf16.wgsl?raw";
import repack from "./repack.wgsl?raw";

/** Two weights share a word. */
const CHUNK_BLOCKS = 2;

/** GGUF `BF16`. The upper 16 bits of an f32 per weight; on the GPU rows are padded to a multiple of 32. Columns must be even. */
export const bf16: WeightFormat = {
  type: "BF16",
  blockWeights: 1,
  blockBytes: 2,
  loader: { wgsl: loader },
  repack: defineRepack("bf16", repack, CHUNK_BLOCKS),
  layout: (rows, cols) => layoutOf([(GROUP_WEIGHTS / 2) * groupsOf(rows, cols)], CHUNK_BLOCKS),
  dequantize(bytes) {
    const bits = new Uint32Array(bytes.length / 2);
    for (let at = 0; at < bits.length; at++) bits[at] = (bytes[2 * at]! << 16) | (bytes[2 * at + 1]! << 24);
    return new Float32Array(bits.buffer);
  },
};
