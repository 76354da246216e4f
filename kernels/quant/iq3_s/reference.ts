import { IQ3_S_CODEBOOK } from "../codebook_sets";
import { codebookWords } from "../codebooks";
import type { FormatReference } from "../format_reference";

/** The blocks' lower bytes of indices; signs, upper bits and scales; the f16; then the codebook. */
export const iq3_sReference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    out.set(new Uint8Array(codebookWords(IQ3_S_CODEBOOK).buffer), 4 * sections[3]);
    for (let block = 0; block * 110 < bytes.length; block++) {
      const from = 110 * block;
      out.set(bytes.subarray(from, from + 2), 4 * sections[2] + 2 * block);
      out.set(bytes.subarray(from + 2, from + 66), 64 * block);
      const rest = 4 * sections[1] + 44 * block;
      out.set(bytes.subarray(from + 74, from + 106), rest);
      out.set(bytes.subarray(from + 66, from + 74), rest + 32);
      out.set(bytes.subarray(from + 106, from + 110), rest + 40);
    }
    return new Uint32Array(out.buffer);
  },
};
