import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { IQ4_CODEBOOK } from "../iq4_codebook";
import codebook from "../iq4_codebook.wgsl?raw";
import { defineRepack } from "../repack";
import loader from "./iq4_xs.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale of scales, the upper 2 bits of 8 scales, their lower 4, then 8 times 16 bytes of nibbles as in IQ4_NL. */
const BYTES = 136;
const CHUNK_BLOCKS = 1;

/**
 * GGUF `IQ4_XS`: weight = d · (six bits - 32) · codebook[nibble], six bits of scale per 32 weights, d per 256. On the
 * GPU the nibbles come first, then the file's first 8 bytes of each block as they are.
 *
 * Source: `block_iq4_xs` and `dequantize_row_iq4_xs` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq4_xs: WeightFormat = {
  type: "IQ4_XS",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebook],
  repack: defineRepack("iq4_xs", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    return layoutOf([4 * groups, groups / 4], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES) {
      const d = halfToFloat(view.getUint16(from, true));
      const upper = view.getUint16(from + 2, true);
      const lower = view.getUint32(from + 4, true);
      for (let group = 0; group < 8; group++, to += 32) {
        const six = ((lower >>> (4 * group)) & 15) | (((upper >> (2 * group)) & 3) << 4);
        const scale = d * (six - 32);
        for (let i = 0; i < 16; i++) {
          const byte = bytes[from + 8 + 16 * group + i]!;
          values[to + i] = scale * IQ4_CODEBOOK[byte & 15]!;
          values[to + i + 16] = scale * IQ4_CODEBOOK[byte >> 4]!;
        }
      }
    }
    return values;
  },
};
