import type { FormatReference } from "../format_reference";

/** The blocks' nibbles, 128 bytes each, then the 8 bytes that each began with. */
export const iq4_xsReference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 136 < bytes.length; block++) {
      const at = 136 * block;
      out.set(bytes.subarray(at + 8, at + 136), 128 * block);
      out.set(bytes.subarray(at, at + 8), 4 * sections[1] + 8 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
