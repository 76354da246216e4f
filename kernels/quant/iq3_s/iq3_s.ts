import { IQ3_S_CODEBOOK } from "../codebook_sets";
import { entriesOf } from "../codebooks";
import codebooks from "../codebooks.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./iq3_s.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale d; 64 lower bytes of codebook indices; their 64 upper bits; 32 bytes of signs; 8 scales of 4 bits. */
const BYTES = 110;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `IQ3_S`: weight = d · (2 · scale + 1) · ± codebook value, scale per 32 weights, d per 256, a codebook index of 9
 * bits per 4. On the GPU the lower bytes of the indices come first, then 11 words per block of signs, upper bits and
 * scales, then the f16.
 *
 * Source: `block_iq3_s` and `dequantize_row_iq3_s` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq3_s: WeightFormat = {
  type: "IQ3_S",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebooks],
  codebook: IQ3_S_CODEBOOK,
  repack: defineRepack("iq3_s", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([2 * groups, 11 * blocks, Math.ceil(blocks / 2), IQ3_S_CODEBOOK.entries / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    const entries = entriesOf(IQ3_S_CODEBOOK);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS; i++) {
        const upper = (bytes[from + 66 + (i >> 5)]! >> ((i >> 2) & 7)) & 1;
        const nibble = (bytes[from + 106 + (i >> 6)]! >> (i & 32 ? 4 : 0)) & 15;
        const code = (entries[bytes[from + 2 + (i >> 2)]! | (upper << 8)]! >> (3 * (i & 3))) & 7;
        const value = d * (2 * nibble + 1) * (2 * code + 1);
        values[to + i] = (bytes[from + 74 + (i >> 3)]! >> (i & 7)) & 1 ? -value : value;
      }
    }
    return values;
  },
};
