import type { FormatReference } from "../format_reference";

/** Weight by weight: its nibble and its high bit; then the 16 bytes of scales of each block. */
export const q5_kReference: FormatReference = {
  floats: [
    { at: 0, as: "f16" },
    { at: 2, as: "f16" },
  ],
  repack(bytes, { bytes: size, sections: [, bits, heads] }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 176 < bytes.length; block++) {
      const from = 176 * block;
      out.set(bytes.subarray(from, from + 16), 4 * heads + 16 * block);
      for (let i = 0; i < 256; i++) {
        const group = i >> 5;
        const byte = bytes[from + 48 + 32 * (group >> 1) + (i & 31)]!;
        const nibble = group & 1 ? byte >> 4 : byte & 15;
        out[16 * (8 * block + group) + (i & 15)]! |= nibble << (i & 16 ? 4 : 0);
        const bit = (bytes[from + 16 + (i & 31)]! >> group) & 1;
        out[4 * (bits + 8 * block + group) + (i & 3)]! |= bit << ((i & 31) >> 2);
      }
    }
    return new Uint32Array(out.buffer);
  },
};
