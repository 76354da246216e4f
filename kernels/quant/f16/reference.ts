import type { FormatReference } from "../format_reference";

/** Rows as in the file, each padded with zeros to a multiple of 32 weights. */
export const f16Reference: FormatReference = {
  floats: [{ at: 0, as: "f16" }],
  repack(bytes, layout, rows, cols) {
    const out = new Uint8Array(layout.bytes);
    const stride = 2 * 32 * Math.ceil(cols / 32);
    for (let row = 0; row < rows; row++) out.set(bytes.subarray(2 * cols * row, 2 * cols * (row + 1)), stride * row);
    return new Uint32Array(out.buffer);
  },
};
