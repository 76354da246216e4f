import type { FormatReference } from "../format_reference";

/** The blocks' values, 16 bytes each, then their scales. */
export const iq4_nlReference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 18 < bytes.length; block++) {
      const at = 18 * block;
      out.set(bytes.subarray(at + 2, at + 18), 16 * block);
      out.set(bytes.subarray(at, at + 2), 4 * sections[1] + 2 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
