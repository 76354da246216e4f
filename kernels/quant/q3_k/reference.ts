import type { FormatReference } from "../format_reference";

/** Weight by weight: its two low bits and its high bit; then the scales and their scale as they are. */
export const q3_kReference: FormatReference = {
  floats: [{ at: 108, as: "f16" }],
  repack(bytes, { bytes: size, sections: [, bits, scales, d] }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 110 < bytes.length; block++) {
      const from = 110 * block;
      out.set(bytes.subarray(from + 96, from + 108), 4 * scales + 12 * block);
      out.set(bytes.subarray(from + 108, from + 110), 4 * d + 2 * block);
      for (let i = 0; i < 256; i++) {
        const pair = (bytes[from + 32 + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
        out[64 * block + 4 * (i >> 4) + (i & 3)]! |= pair << (2 * ((i >> 2) & 3));
        const bit = (bytes[from + (i & 31)]! >> (i >> 5)) & 1;
        out[4 * (bits + 8 * block + (i >> 5)) + (i & 3)]! |= bit << ((i & 31) >> 2);
      }
    }
    return new Uint32Array(out.buffer);
  },
};
