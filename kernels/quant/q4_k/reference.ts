import type { FormatReference } from "../format_reference";

/** Nibble by nibble into groups of 16 bytes, then the 16 bytes of scales of each block. */
export const q4_kReference: FormatReference = {
  floats: [
    { at: 0, as: "f16" },
    { at: 2, as: "f16" },
  ],
  repack(bytes, { bytes: size, sections }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 144 < bytes.length; block++) {
      const from = 144 * block;
      out.set(bytes.subarray(from, from + 16), 4 * sections[1] + 16 * block);
      for (let i = 0; i < 256; i++) {
        const group = i >> 5;
        const byte = bytes[from + 16 + 32 * (group >> 1) + (i & 31)]!;
        const nibble = group & 1 ? byte >> 4 : byte & 15;
        out[16 * (8 * block + group) + (i & 15)]! |= nibble << (i & 16 ? 4 : 0);
      }
    }
    return new Uint32Array(out.buffer);
  },
};
