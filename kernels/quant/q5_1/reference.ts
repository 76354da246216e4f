import type { FormatReference } from "../format_reference";

/** The blocks' nibbles, 16 bytes each; their high bits, weight by weight; their scales and minimums. */
export const q5_1Reference: FormatReference = {
  floats: [
    { at: 0, as: "f16" },
    { at: 2, as: "f16" },
  ],
  repack(bytes, { bytes: size, sections: [, bits, factors] }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 24 < bytes.length; block++) {
      const at = 24 * block;
      out.set(bytes.subarray(at + 8, at + 24), 16 * block);
      out.set(bytes.subarray(at, at + 4), 4 * (factors + block));
      for (let i = 0; i < 32; i++)
        out[4 * (bits + block) + (i & 3)]! |= ((bytes[at + 4 + (i >> 3)]! >> (i & 7)) & 1) << (i >> 2);
    }
    return new Uint32Array(out.buffer);
  },
};
