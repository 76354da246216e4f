import { IQ2_XS_CODEBOOK } from "../codebook_sets";
import { codebookWords } from "../codebooks";
import type { FormatReference } from "../format_reference";

/** The blocks' indices with signs, their scales, their f16, then the codebook. */
export const iq2_xsReference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    out.set(new Uint8Array(codebookWords(IQ2_XS_CODEBOOK).buffer), 4 * sections[3]);
    for (let block = 0; block * 74 < bytes.length; block++) {
      const from = 74 * block;
      out.set(bytes.subarray(from, from + 2), 4 * sections[2] + 2 * block);
      out.set(bytes.subarray(from + 2, from + 66), 64 * block);
      out.set(bytes.subarray(from + 66, from + 74), 4 * sections[1] + 8 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
