import { GROUP_WEIGHTS, groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./f16.wgsl?raw";
import repack from "./repack.wgsl?raw";

/** Two weights share a word. */
const CHUNK_BLOCKS = 2;

/** GGUF `F16`. An f16 value per weight; on the GPU rows are padded to a multiple of 32. Columns must be even. */
export const f16: WeightFormat = {
  type: "F16",
  blockWeights: 1,
  blockBytes: 2,
  loader: { wgsl: loader },
  repack: defineRepack("f16", repack, CHUNK_BLOCKS),
  layout: (rows, cols) => layoutOf([(GROUP_WEIGHTS / 2) * groupsOf(rows, cols)], CHUNK_BLOCKS),
  dequantize: (bytes) =>
    Float32Array.from({ length: bytes.length / 2 }, (_, at) => halfToFloat(bytes[2 * at]! | (bytes[2 * at + 1]! << 8))),
};
