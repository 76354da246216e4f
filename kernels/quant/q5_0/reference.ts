import type { FormatReference } from "../format_reference";

/** The blocks' nibbles, 16 bytes each; their high bits, weight by weight; their scales. */
export const q5_0Reference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, { bytes: size, sections: [, bits, scales] }) {
    const out = new Uint8Array(size);
    for (let block = 0; block * 22 < bytes.length; block++) {
      const at = 22 * block;
      out.set(bytes.subarray(at + 6, at + 22), 16 * block);
      out.set(bytes.subarray(at, at + 2), 4 * scales + 2 * block);
      for (let i = 0; i < 32; i++)
        out[4 * bits + 4 * block + (i & 3)]! |= ((bytes[at + 2 + (i >> 3)]! >> (i & 7)) & 1) << (i >> 2);
    }
    return new Uint32Array(out.buffer);
  },
};
