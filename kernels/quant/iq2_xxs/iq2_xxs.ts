import { IQ2_XXS_CODEBOOK } from "../codebook_sets";
import { entriesOf, evenSigns, IQ2_MAGNITUDES } from "../codebooks";
import codebooks from "../codebooks.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./iq2_xxs.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale d; per 32 weights 4 codebook indices of a byte, then 4 times 7 signs and 4 bits of scale in a word. */
const BYTES = 66;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `IQ2_XXS`: weight = d · (scale + 1/2) / 4 · ± codebook value, scale per 32 weights, d per 256, a codebook index per
 * 8. On the GPU each group of 32 has its two words, then come the f16, two to a word.
 *
 * Source: `block_iq2_xxs` and `dequantize_row_iq2_xxs` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq2_xxs: WeightFormat = {
  type: "IQ2_XXS",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebooks],
  codebook: IQ2_XXS_CODEBOOK,
  repack: defineRepack("iq2_xxs", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([2 * groups, Math.ceil(blocks / 2), 0, IQ2_XXS_CODEBOOK.entries / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    const entries = entriesOf(IQ2_XXS_CODEBOOK);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES) {
      const d = halfToFloat(view.getUint16(from, true));
      for (let group = 0; group < 8; group++, to += 32) {
        const at = from + 2 + 8 * group;
        const word = view.getUint32(at + 4, true);
        const scale = d * (0.5 + (word >>> 28)) * 0.25;
        for (let i = 0; i < 32; i++) {
          const entry = entries[bytes[at + (i >> 3)]!]!;
          const signs = evenSigns((word >>> (7 * (i >> 3))) & 127);
          const value = IQ2_MAGNITUDES[(entry >> (2 * (i & 7))) & 3]! * scale;
          values[to + i] = (signs >> (i & 7)) & 1 ? -value : value;
        }
      }
    }
    return values;
  },
};
