import type { FormatReference } from "../format_reference";

/** Weight by weight: its two bits; then the scales. */
export const tq2_0Reference: FormatReference = {
  floats: [{ at: 64, as: "f16" }],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 66 < bytes.length; block++) {
      const from = 66 * block;
      out.set(bytes.subarray(from + 64, from + 66), 4 * sections[1] + 2 * block);
      for (let i = 0; i < 256; i++) {
        const pair = (bytes[from + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
        out[64 * block + 4 * (i >> 4) + (i & 3)]! |= pair << (2 * ((i >> 2) & 3));
      }
    }
    return new Uint32Array(out.buffer);
  },
};
