import type { FormatReference } from "../format_reference";

/** Rows as in the file, each padded with zeros to a multiple of 32 weights. */
export const f32Reference: FormatReference = {
  floats: [{ at: 0, as: "f32" }],
  repack(bytes, layout, rows, cols) {
    const out = new Uint8Array(layout.bytes);
    const stride = 4 * 32 * Math.ceil(cols / 32);
    for (let row = 0; row < rows; row++) out.set(bytes.subarray(4 * cols * row, 4 * cols * (row + 1)), stride * row);
    return new Uint32Array(out.buffer);
  },
};
