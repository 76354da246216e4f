import type { FormatReference } from "../format_reference";

/** Weight by weight: its two bits; then the scales and mins, then what scales them, as they are. */
export const q2_kReference: FormatReference = {
  floats: [
    { at: 80, as: "f16" },
    { at: 82, as: "f16" },
  ],
  repack(bytes, { bytes: size, sections: [, factors, d] }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 84 < bytes.length; block++) {
      const from = 84 * block;
      out.set(bytes.subarray(from, from + 16), 4 * factors + 16 * block);
      out.set(bytes.subarray(from + 80, from + 84), 4 * (d + block));
      for (let i = 0; i < 256; i++) {
        const pair = (bytes[from + 16 + 32 * (i >> 7) + (i & 31)]! >> (2 * ((i >> 5) & 3))) & 3;
        out[64 * block + 4 * (i >> 4) + (i & 3)]! |= pair << (2 * ((i >> 2) & 3));
      }
    }
    return new Uint32Array(out.buffer);
  },
};
