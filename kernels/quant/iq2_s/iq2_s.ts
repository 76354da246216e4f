import { IQ2_S_CODEBOOK } from "../codebook_sets";
import { entriesOf, IQ2_MAGNITUDES } from "../codebooks";
import codebooks from "../codebooks.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./iq2_s.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale d; 32 lower bytes of codebook indices; 32 bytes of signs; 32 upper bit pairs; 16 scales of 4 bits. */
const BYTES = 82;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `IQ2_S`: weight = d · (scale + 1/2) / 4 · ± codebook value, scale per 16 weights, d per 256, a codebook index of 10
 * bits per 8. On the GPU each group of 32 has a word of indices and a word of signs, then 16 bits of upper index bits and
 * scales; then come the f16.
 *
 * Source: `block_iq2_s` and `dequantize_row_iq2_s` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq2_s: WeightFormat = {
  type: "IQ2_S",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebooks],
  codebook: IQ2_S_CODEBOOK,
  repack: defineRepack("iq2_s", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([2 * groups, groups / 2, Math.ceil(blocks / 2), IQ2_S_CODEBOOK.entries / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    const entries = entriesOf(IQ2_S_CODEBOOK);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS; i++) {
        const eight = i >> 3;
        const upper = (bytes[from + 66 + (i >> 5)]! >> (2 * (eight & 3))) & 3;
        const nibble = (bytes[from + 74 + (i >> 5)]! >> (i & 16 ? 4 : 0)) & 15;
        const code = (entries[bytes[from + 2 + eight]! | (upper << 8)]! >> (2 * (i & 7))) & 3;
        const value = d * (0.5 + nibble) * 0.25 * IQ2_MAGNITUDES[code]!;
        values[to + i] = (bytes[from + 34 + eight]! >> (i & 7)) & 1 ? -value : value;
      }
    }
    return values;
  },
};
