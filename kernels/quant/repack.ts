// The kernel that brings uploaded blocks of a file into the layout that a format's loader reads. Formats give the part
// that differs; repack.wgsl has the bindings, the loop and the reading of unaligned bytes.

import grid from "../common/grid.wgsl?raw";
import { defineKernel, foldedGrid, type Kernel } from "../kernel";
import repack from "./repack.wgsl?raw";

const WORKGROUP = 64;

/**
 * Bindings: `source`, the file's bytes of `blocks` whole blocks from word 0 on; `w`, the matrix, zeroed before its first
 * chunk; `faults`, one word, to which the number of scales (or float weights) that are NaN or infinite is added.
 * Parameters: `first_block` of the chunk in the matrix, a multiple of `chunkBlocks`; `blocks` in the chunk; `row_blocks`
 * in a row of the file; the sections of the layout.
 *
 * @param wgsl Defines `fn repack(first: u32)` for `chunkBlocks` blocks from block `first` of the chunk on, or as many of
 *   them as there are.
 * @param shared WGSL of functions that it calls and that several formats share.
 */
export function defineRepack(
  format: string,
  wgsl: string,
  chunkBlocks: number,
  shared: readonly string[] = [],
): Kernel {
  return defineKernel({
    name: `repack_${format}`,
    bindings: { params: "uniform", source: "read", w: "read_write", faults: "read_write" },
    params: {
      first_block: "u32",
      blocks: "u32",
      row_blocks: "u32",
      section_1: "u32",
      section_2: "u32",
      section_3: "u32",
    },
    variants: [
      {
        name: "invocation",
        suits: () => true,
        parts: [wgsl, ...shared, repack, grid].map((part) => ({ wgsl: part })),
        constants: () => ({ WORKGROUP, CHUNK_BLOCKS: chunkBlocks }),
        grid: ({ blocks }) => foldedGrid(Math.ceil(blocks / chunkBlocks / WORKGROUP)),
      },
    ],
  });
}
