import type { FormatReference } from "../format_reference";

/** The blocks' nibbles, 32 bytes each, then their scales, of which no byte is an error. */
export const nvfp4Reference: FormatReference = {
  floats: [],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 36 < bytes.length; block++) {
      const at = 36 * block;
      out.set(bytes.subarray(at + 4, at + 36), 32 * block);
      out.set(bytes.subarray(at, at + 4), 4 * sections[1] + 4 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
