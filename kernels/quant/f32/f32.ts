import { GROUP_WEIGHTS, groupsOf, layoutOf, type WeightFormat } from "../format";
import { defineRepack } from "../repack";
import loader from "./f32.wgsl?raw";
import repack from "./repack.wgsl?raw";

const CHUNK_BLOCKS = 1;

/** GGUF `F32`. A block is one weight; on the GPU rows are padded to a multiple of 32. */
export const f32: WeightFormat = {
  type: "F32",
  blockWeights: 1,
  blockBytes: 4,
  loader: { wgsl: loader },
  repack: defineRepack("f32", repack, CHUNK_BLOCKS),
  layout: (rows, cols) => layoutOf([GROUP_WEIGHTS * groupsOf(rows, cols)], CHUNK_BLOCKS),
  // A copy: the bytes need not be aligned.
  dequantize: (bytes) => new Float32Array(bytes.slice().buffer),
};
