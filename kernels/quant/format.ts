// What a weight format is: how the file's blocks are repacked at load, how the GPU reads them, how the host does. One
// folder per format; index.ts is the table. No kernel knows a format, each takes one.

import type { Kernel } from "../kernel";
import type { Part } from "../linker";
import bits from "./bits.wgsl?raw";
import type { Codebook } from "./codebook_sets";

/** Weights that a loader returns at once. Rows are padded with zeros to a multiple of it. */
export const GROUP_WEIGHTS = 32;

/** Where a matrix's values, scales and so on lie in its one buffer. */
export interface MatrixLayout {
  /** Size of the buffer, a multiple of 16. */
  readonly bytes: number;
  /** Offsets in 32-bit words, multiples of 4, of up to four sections. The first is 0; unused ones are 0. */
  readonly sections: Sections;
  /** A chunk of an upload must begin at a multiple of so many blocks: then no two chunks write the same word. */
  readonly chunkBlocks: number;
}

export type Sections = readonly [number, number, number, number];

export interface WeightFormat {
  /** ggml's name: `Q4_0`. */
  readonly type: string;
  /** Weights and bytes of one block in the file. Blocks never cross rows. */
  readonly blockWeights: number;
  readonly blockBytes: number;
  /**
   * Declares the matrix, `w: array<vec4u>`, and `fn weights_32(block: u32, sections: vec4u) -> array<vec4f, 8>`: the 32
   * weights from column `32 · k32` of a row, `block = row · ceil(cols / 32) + k32`. Link it with {@link loaderParts}.
   */
  readonly loader: Part;
  /**
   * WGSL of `fn integers_32(block: u32, sections: vec4u) -> Integers` and `const ONE_SCALE` (integers.wgsl), for formats
   * whose weights are whole numbers times a scale. Goes behind the loader, in the same part.
   */
  readonly integers?: string;
  /** WGSL of functions that the loader calls and that several formats share. They bind nothing and are never prefixed. */
  readonly shared?: readonly string[];
  /** What the uploader writes once to section CODEBOOK_SECTION (codebooks.ts) of each part. */
  readonly codebook?: Codebook;
  /** Brings uploaded blocks into the loader's layout; see {@link defineRepack}. The target starts zeroed. */
  readonly repack: Kernel;
  layout(rows: number, cols: number): MatrixLayout;
  /**
   * The weights of whole blocks as the file's bytes say, equal bit for bit to ggml's f32 values.
   *
   * @param bytes A multiple of `blockBytes`.
   */
  dequantize(bytes: Uint8Array): Float32Array;
}

/**
 * What a kernel links to read weights of a format.
 *
 * @param several Where one kernel reads several matrices.
 */
export function loaderParts(format: WeightFormat, several?: SeveralLoaders): readonly Part[] {
  const shared = [bits, ...(format.shared ?? [])].map((wgsl) => ({ wgsl }));
  if (!several) return [...shared, format.loader];
  const { prefix, matrix, integers } = several;
  const wgsl = integers ? `${format.loader.wgsl}\n${format.integers}` : format.loader.wgsl;
  return [...shared, { wgsl, prefix, names: matrix === undefined ? {} : { w: matrix } }];
}

export interface SeveralLoaders {
  /** Goes before the loader's names. */
  readonly prefix: string;
  /** The binding's name; prefixed as all others when absent. */
  readonly matrix?: string;
  /** Adds `integers_32`. Needs integers.wgsl. */
  readonly integers?: boolean;
}

/** Groups of 32 weights in a matrix. */
export function groupsOf(rows: number, cols: number): number {
  return rows * Math.ceil(cols / GROUP_WEIGHTS);
}

/** A layout from the sizes of its sections in words, each rounded up to whole vec4u. */
export function layoutOf(words: readonly number[], chunkBlocks: number): MatrixLayout {
  const sections: [number, number, number, number] = [0, 0, 0, 0];
  let end = 0;
  words.forEach((size, at) => {
    if (size > 0) sections[at] = end;
    end += 4 * Math.ceil(size / 4);
  });
  return { bytes: 4 * end, sections, chunkBlocks };
}
