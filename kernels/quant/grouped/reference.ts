import type { FormatReference } from "../format_reference";

/** The groups' values, then their scales and biases in pairs. */
function groupedReference(valueBytes: number): FormatReference {
  return {
    floats: [
      { at: 0, as: "f32_of_f16" },
      { at: 4, as: "f32_of_f16" },
    ],
    repack(bytes, { bytes: size, sections }) {
      const out = new Uint8Array(size);
      const blockBytes = 8 + valueBytes;
      for (let group = 0; group * blockBytes < bytes.length; group++) {
        const at = group * blockBytes;
        out.set(bytes.subarray(at + 8, at + blockBytes), valueBytes * group);
        out.set(bytes.subarray(at, at + 8), 4 * sections[1] + 8 * group);
      }
      return new Uint32Array(out.buffer);
    },
  };
}

export const groupedReferences: Readonly<Record<string, FormatReference>> = {
  G4_32: groupedReference(16),
  G4_64: groupedReference(32),
  G4_128: groupedReference(64),
  G8_32: groupedReference(32),
  G8_64: groupedReference(64),
};
