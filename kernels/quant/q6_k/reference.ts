import type { FormatReference } from "../format_reference";

/** Weight by weight: its nibble, its two high bits; then the scales and their scale as they are. */
export const q6_kReference: FormatReference = {
  floats: [{ at: 208, as: "f16" }],
  repack(bytes, { bytes: size, sections: [, pairs, scales, d] }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 210 < bytes.length; block++) {
      const from = 210 * block;
      out.set(bytes.subarray(from + 192, from + 208), 4 * scales + 16 * block);
      out.set(bytes.subarray(from + 208, from + 210), 4 * d + 2 * block);
      for (let i = 0; i < 256; i++) {
        const half = i >> 7;
        const quarter = (i >> 5) & 3;
        const low = bytes[from + 64 * half + 32 * (quarter & 1) + (i & 31)]! >> (quarter >> 1 ? 4 : 0);
        const high = bytes[from + 128 + 32 * half + (i & 31)]! >> (2 * quarter);
        const group = 8 * block + (i >> 5);
        out[16 * group + (i & 15)]! |= (low & 15) << (i & 16 ? 4 : 0);
        out[4 * pairs + 8 * group + 4 * ((i >> 4) & 1) + (i & 3)]! |= (high & 3) << (2 * ((i >> 2) & 3));
      }
    }
    return new Uint32Array(out.buffer);
  },
};
