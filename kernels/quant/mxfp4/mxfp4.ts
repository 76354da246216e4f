import { E2M1_DOUBLED } from "../e2m1";
import e2m1 from "../e2m1.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { defineRepack } from "../repack";
import loader from "./mxfp4.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 32;
/** Exponent, then 16 bytes of nibbles: byte i holds weight i (low) and weight i + 16 (high). */
const BYTES = 17;
/** Four exponents share a word. */
const CHUNK_BLOCKS = 4;

/**
 * GGUF `MXFP4`: weight = E2M1 value · 2^(exponent - 127). On the GPU the nibbles come first, then the exponents, four to
 * a word. An exponent of 255 is not a number.
 *
 * Source: `block_mxfp4`, `dequantize_row_mxfp4` and `ggml_e8m0_to_fp32_half` of ggml (ggml-common.h, ggml-quants.c,
 * ggml-impl.h); E8M0 of the OCP microscaling formats.
 */
export const mxfp4: WeightFormat = {
  type: "MXFP4",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [e2m1],
  repack: defineRepack("mxfp4", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const blocks = groupsOf(rows, cols);
    return layoutOf([4 * blocks, Math.ceil(blocks / 4)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const scale = 2 ** (bytes[from]! - 128); // half: the values are doubled
      for (let i = 0; i < WEIGHTS / 2; i++) {
        const byte = bytes[from + 1 + i]!;
        values[to + i] = E2M1_DOUBLED[byte & 15]! * scale;
        values[to + i + 16] = E2M1_DOUBLED[byte >> 4]! * scale;
      }
    }
    return values;
  },
};
