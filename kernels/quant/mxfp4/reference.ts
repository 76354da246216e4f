import type { FormatReference } from "../format_reference";

/** The blocks' nibbles, 16 bytes each, then their exponents. */
export const mxfp4Reference: FormatReference = {
  floats: [{ at: 0, as: "e8m0" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 17 < bytes.length; block++) {
      const at = 17 * block;
      out.set(bytes.subarray(at + 1, at + 17), 16 * block);
      out.set(bytes.subarray(at, at + 1), 4 * sections[1] + block);
    }
    return new Uint32Array(out.buffer);
  },
};
