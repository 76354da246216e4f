import type { FormatReference } from "../format_reference";

/** The blocks' bytes 0-31, their bytes 32-47, their bytes 48-51, then their scales. */
export const tq1_0Reference: FormatReference = {
  floats: [{ at: 52, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 54 < bytes.length; block++) {
      const from = 54 * block;
      out.set(bytes.subarray(from + 52, from + 54), 4 * sections[3] + 2 * block);
      out.set(bytes.subarray(from, from + 32), 32 * block);
      out.set(bytes.subarray(from + 32, from + 48), 4 * sections[1] + 16 * block);
      out.set(bytes.subarray(from + 48, from + 52), 4 * sections[2] + 4 * block);
    }
    return new Uint32Array(out.buffer);
  },
};
