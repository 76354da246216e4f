// What a format folder's `reference.ts` exports, for tests.

import type { MatrixLayout } from "./format";

/** `e8m0` is a power of two in a byte; 255 is not a number. `f32_of_f16` is an f32 that some f16 equals. */
export type FloatKind = "f16" | "bf16" | "f32" | "e8m0" | "f32_of_f16";

export interface FormatReference {
  /** Byte offsets in a block that hold a float, and which: all other bytes may be anything. */
  readonly floats: readonly { readonly at: number; readonly as: FloatKind }[];
  /** The buffer that the repack kernel must make from a matrix's blocks. */
  repack(bytes: Uint8Array, layout: MatrixLayout, rows: number, cols: number): Uint32Array;
}
