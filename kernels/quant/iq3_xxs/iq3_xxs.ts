import { IQ3_XXS_CODEBOOK } from "../codebook_sets";
import { entriesOf, evenSigns, IQ3_XXS_MAGNITUDES } from "../codebooks";
import codebooks from "../codebooks.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./iq3_xxs.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale d; 64 codebook indices of a byte; per 32 weights 4 times 7 signs and 4 bits of scale in a word. */
const BYTES = 98;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `IQ3_XXS`: weight = d · (scale + 1/2) / 2 · ± codebook value, scale per 32 weights, d per 256, a codebook index per
 * 4. On the GPU the indices come first, then a word of signs and scale per group of 32, then the f16.
 *
 * Source: `block_iq3_xxs` and `dequantize_row_iq3_xxs` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq3_xxs: WeightFormat = {
  type: "IQ3_XXS",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebooks],
  codebook: IQ3_XXS_CODEBOOK,
  repack: defineRepack("iq3_xxs", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([2 * groups, groups, Math.ceil(blocks / 2), IQ3_XXS_CODEBOOK.entries / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    const entries = entriesOf(IQ3_XXS_CODEBOOK);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS; i++) {
        const word = view.getUint32(from + 66 + 4 * (i >> 5), true);
        const signs = evenSigns((word >>> (7 * ((i >> 3) & 3))) & 127);
        const code = (entries[bytes[from + 2 + (i >> 2)]!]! >> (3 * (i & 3))) & 7;
        const value = d * (0.5 + (word >>> 28)) * 0.5 * IQ3_XXS_MAGNITUDES[code]!;
        values[to + i] = (signs >> (i & 7)) & 1 ? -value : value;
      }
    }
    return values;
  },
};
