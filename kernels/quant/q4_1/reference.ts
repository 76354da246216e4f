import type { FormatReference } from "../format_reference";

/** The blocks' nibbles, 16 bytes each, then their scales and minimums. */
export const q4_1Reference: FormatReference = {
  floats: [
    { at: 0, as: "f16" },
    { at: 2, as: "f16" },
  ],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 20 < bytes.length; block++) {
      const at = 20 * block;
      out.set(bytes.subarray(at + 4, at + 20), 16 * block);
      out.set(bytes.subarray(at, at + 4), 4 * sections[1] + 4 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
