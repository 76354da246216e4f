import { E2M1_DOUBLED } from "../e2m1";
import e2m1 from "../e2m1.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { defineRepack } from "../repack";
import loader from "./nvfp4.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 64;
/** 4 scales, then 4 times 8 bytes of nibbles: byte i of 8 holds weight i (low) and weight i + 8 (high) of 16. */
const BYTES = 36;
const CHUNK_BLOCKS = 1;

/**
 * GGUF `NVFP4`: weight = E2M1 value · scale, an unsigned E4M3 scale per 16 weights. On the GPU the nibbles come first,
 * then the scales, a word per block. The scale that a model keeps for a whole tensor is not part of the format.
 *
 * Source: `block_nvfp4`, `dequantize_row_nvfp4` and `ggml_ue4m3_to_fp32` of ggml (ggml-common.h, ggml-quants.c,
 * ggml-impl.h), where the scale that is not a number, 127, counts as zero.
 */
export const nvfp4: WeightFormat = {
  type: "NVFP4",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [e2m1],
  repack: defineRepack("nvfp4", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    return layoutOf([4 * groups, groups / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      for (let i = 0; i < WEIGHTS; i++) {
        const nibble = (bytes[from + 4 + 8 * (i >> 4) + (i & 7)]! >> (i & 8 ? 4 : 0)) & 15;
        values[to + i] = E2M1_DOUBLED[nibble]! * halfScale(bytes[from + (i >> 4)]!);
      }
    }
    return values;
  },
};

/** Half of the scale, as the values are doubled. The top bit means nothing. */
function halfScale(byte: number): number {
  if (byte === 127) return 0;
  const exponent = (byte >> 3) & 15;
  const fraction = byte & 7;
  return exponent === 0 ? fraction * 2 ** -10 : (8 + fraction) * 2 ** (exponent - 11);
}
