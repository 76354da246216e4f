import { groupsOf, layoutOf, type WeightFormat } from "../format";
import { halfToFloat } from "../half";
import { IQ4_CODEBOOK } from "../iq4_codebook";
import codebook from "../iq4_codebook.wgsl?raw";
import { defineRepack } from "../repack";
import loader from "./iq4_nl.wgsl?raw";
import repack from "./repack.wgsl?raw";

const WEIGHTS = 32;
/** f16 scale, then 16 bytes of nibbles: byte i holds weight i (low) and weight i + 16 (high). */
const BYTES = 18;
/** Two scales share a word. */
const CHUNK_BLOCKS = 2;

/**
 * GGUF `IQ4_NL`: weight = codebook[nibble] · scale. On the GPU as Q4_0: nibbles first, then the scales, two to a word.
 *
 * Source: `block_iq4_nl` and `dequantize_row_iq4_nl` of ggml (ggml-common.h, ggml-quants.c).
 */
export const iq4_nl: WeightFormat = {
  type: "IQ4_NL",
  blockWeights: WEIGHTS,
  blockBytes: BYTES,
  loader: { wgsl: loader },
  shared: [codebook],
  repack: defineRepack("iq4_nl", repack, CHUNK_BLOCKS),
  layout(rows, cols) {
    const blocks = groupsOf(rows, cols);
    return layoutOf([4 * blocks, Math.ceil(blocks / 2)], CHUNK_BLOCKS);
  },

  dequantize(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values = new Float32Array((bytes.length / BYTES) * WEIGHTS);
    for (let from = 0, to = 0; from < bytes.length; from += BYTES, to += WEIGHTS) {
      const scale = halfToFloat(view.getUint16(from, true));
      for (let i = 0; i < WEIGHTS / 2; i++) {
        const byte = bytes[from + 2 + i]!;
        values[to + i] = IQ4_CODEBOOK[byte & 15]! * scale;
        values[to + i + 16] = IQ4_CODEBOOK[byte >> 4]! * scale;
      }
    }
    return values;
  },
};
