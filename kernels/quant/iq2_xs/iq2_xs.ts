import { IQ2_XS_CODEBOOK } from "../codebook_sets";
import { entriesOf, evenSigns, IQ2_MAGNITUDES } from "../codebooks";
import codebooks from "../codebooks.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./iq2_xs.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale d; 32 times 9 bits of codebook index and 7 signs; 16 scales of 4 bits. */
const BYTES = 74;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `IQ2_XS`: weight = d · (scale + 1/2) / 4 · ± codebook value, scale per 16 weights, d per 256, a codebook index per
 * 8. On the GPU indices and signs come first, then the scales, then the f16.
 *
 * Source: `block_iq2_xs` and `dequantize_row_iq2_xs` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq2_xs: WeightFormat = {
  type: "IQ2_XS",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebooks],
  codebook: IQ2_XS_CODEBOOK,
  repack: defineRepack("iq2_xs", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([2 * groups, 2 * blocks, Math.ceil(blocks / 2), IQ2_XS_CODEBOOK.entries / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    const entries = entriesOf(IQ2_XS_CODEBOOK);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS; i++) {
        const word = view.getUint16(from + 2 + 2 * (i >> 3), true);
        const nibble = (bytes[from + 66 + (i >> 5)]! >> (i & 16 ? 4 : 0)) & 15;
        const code = (entries[word & 511]! >> (2 * (i & 7))) & 3;
        const value = d * (0.5 + nibble) * 0.25 * IQ2_MAGNITUDES[code]!;
        values[to + i] = (evenSigns(word >> 9) >> (i & 7)) & 1 ? -value : value;
      }
    }
    return values;
  },
};
