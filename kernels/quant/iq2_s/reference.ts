import { IQ2_S_CODEBOOK } from "../codebook_sets";
import { codebookWords } from "../codebooks";
import type { FormatReference } from "../format_reference";

/** Group by group: indices, signs; upper bits and scales; then the f16 and the codebook. */
export const iq2_sReference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    out.set(new Uint8Array(codebookWords(IQ2_S_CODEBOOK).buffer), 4 * sections[3]);
    for (let block = 0; block * 82 < bytes.length; block++) {
      const from = 82 * block;
      out.set(bytes.subarray(from, from + 2), 4 * sections[2] + 2 * block);
      for (let group = 0; group < 8; group++) {
        const at = 64 * block + 8 * group;
        out.set(bytes.subarray(from + 2 + 4 * group, from + 6 + 4 * group), at);
        out.set(bytes.subarray(from + 34 + 4 * group, from + 38 + 4 * group), at + 4);
        out[4 * sections[1] + 16 * block + 2 * group] = bytes[from + 66 + group]!;
        out[4 * sections[1] + 16 * block + 2 * group + 1] = bytes[from + 74 + group]!;
      }
    }
    return new Uint32Array(out.buffer);
  },
};
