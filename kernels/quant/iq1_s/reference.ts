import { IQ1_S_CODEBOOK } from "../codebook_sets";
import { codebookWords } from "../codebooks";
import type { FormatReference } from "../format_reference";

/** The blocks' lower bytes of indices, the rest of each group, the f16, then the codebook. */
export const iq1_sReference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    out.set(new Uint8Array(codebookWords(IQ1_S_CODEBOOK).buffer), 4 * sections[3]);
    for (let block = 0; block * 50 < bytes.length; block++) {
      const from = 50 * block;
      out.set(bytes.subarray(from, from + 2), 4 * sections[2] + 2 * block);
      out.set(bytes.subarray(from + 2, from + 34), 32 * block);
      out.set(bytes.subarray(from + 34, from + 50), 4 * sections[1] + 16 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
