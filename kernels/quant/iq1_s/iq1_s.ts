import { IQ1_S_CODEBOOK } from "../codebook_sets";
import { entriesOf } from "../codebooks";
import codebooks from "../codebooks.wgsl?raw";
import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { defineRepack } from "../repack";
import loader from "./iq1_s.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 256;
/** f16 scale d; 32 lower bytes of codebook indices; per 32 weights 4 times 3 upper bits, 3 bits of scale, a sign. */
const BYTES = 50;
/** Two blocks' f16 scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `IQ1_S`: weight = d · (2 · scale + 1) · (codebook value ± 1/8), codebook values -1, 0 and 1, scale and the sign of
 * the shift per 32 weights, d per 256, a codebook index of 11 bits per 8. On the GPU a word of indices per group of 32
 * comes first, then 16 bits of the rest, then the f16.
 *
 * Source: `block_iq1_s` and `dequantize_row_iq1_s` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq1_s: WeightFormat = {
  type: "IQ1_S",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebooks],
  codebook: IQ1_S_CODEBOOK,
  repack: defineRepack("iq1_s", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const groups = groupsOf(rows, cols);
    const blocks = groups / 8;
    return layoutOf([groups, groups / 2, Math.ceil(blocks / 2), IQ1_S_CODEBOOK.entries / 2], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    const entries = entriesOf(IQ1_S_CODEBOOK);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const d = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS; i++) {
        const rest = view.getUint16(from + 34 + 2 * (i >> 5), true);
        const upper = (rest >> (3 * ((i >> 3) & 3))) & 7;
        const code = (entries[bytes[from + 2 + (i >> 3)]! | (upper << 8)]! >> (2 * (i & 7))) & 3;
        const shift = rest & 0x8000 ? -0.125 : 0.125;
        values[to + i] = d * (2 * ((rest >> 12) & 7) + 1) * (code - 1 + shift);
      }
    }
    return values;
  },
};
