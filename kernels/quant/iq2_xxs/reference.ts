import { IQ2_XXS_CODEBOOK } from "../codebook_sets";
import { codebookWords } from "../codebooks";
import type { FormatReference } from "../format_reference";

/** The blocks' words, then their scales, then the codebook. */
export const iq2_xxsReference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    out.set(new Uint8Array(codebookWords(IQ2_XXS_CODEBOOK).buffer), 4 * sections[3]);
    for (let block = 0; block * 66 < bytes.length; block++) {
      const from = 66 * block;
      out.set(bytes.subarray(from, from + 2), 4 * sections[1] + 2 * block);
      out.set(bytes.subarray(from + 2, from + 66), 64 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
