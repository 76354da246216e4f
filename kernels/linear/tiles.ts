// A linear layer for more than 16 rows of x (prefill): by tiles.

import { type DeviceTraits, foldedGrid, type MatrixSize, type Variant } from "../kernel";
import { GROUP_WEIGHTS } from "../quant/format";
import { alone } from "./few_rows";
import int8 from "./int8.wgsl?raw";
import { type How, type LinearShape, MOST_ROWS, subgroupsSuffice, workgroupsOf } from "./shape";
import stageF16 from "./stage_f16.wgsl?raw";
import stageF32 from "./stage_f32.wgsl?raw";
import stageMatrixF16 from "./stage_matrix_f16.wgsl?raw";
import stageMatrixF32 from "./stage_matrix_f32.wgsl?raw";
import subgroupMatrix from "./subgroup_matrix.wgsl?raw";
import tile from "./tile.wgsl?raw";
import tileFloats from "./tile_floats.wgsl?raw";
import tileInt8 from "./tile_int8.wgsl?raw";
import tileMatrix from "./tile_matrix.wgsl?raw";
import tileRows from "./tile_rows.wgsl?raw";

/** Rows of the matrix, and of x, that a workgroup of the tiled variants computes, with twice as many invocations. */
const TILE = 64;
/** Workgroup memory of the tiled variants on subgroup matrices, at most: staged rows, and sums of half a tile. */
const MATRIX_BYTES = 28_672;

/**
 * Where x may be rounded it need not be: the exact variants stand behind, for devices where the rounding one
 * is wrong, is slower by measuring, or cannot run. None that rounds stands behind an exact one.
 */
export function tileVariants(shape: LinearShape): readonly Variant[] {
  const rows = [MOST_ROWS + 1, Number.POSITIVE_INFINITY] as const;
  const rounding: Variant = {
    name: "tile_int8",
    int8: true,
    suits: (traits) => traits.packedDot && !traits.software,
    runs: (traits) => traits.packedDot,
    rows,
    ...tiles(shape, [int8, tileInt8]),
  };
  return [
    ...(shape.int8 ? [rounding] : []),
    {
      name: "tile",
      suits: (traits) => !traits.software,
      runs: () => true,
      rows,
      ...tiles(shape, [stageF32, tileFloats]),
    },
    {
      name: "tile_f16",
      suits: () => false,
      runs: (traits) => traits.f16,
      rows,
      enable: ["f16"],
      ...tiles(shape, [stageF16, tileFloats]),
    },
    // Not meant for any device before they are measured on GPUs.
    {
      name: "tile_matrix",
      suits: () => false,
      runs: (traits) => traits.f16 && matricesFit(traits, traits.matrixF16),
      rows,
      enable: ["f16", "subgroups", "chromium_experimental_subgroup_matrix"],
      ...matrixTiles(shape, stageMatrixF16, (traits) => traits.matrixF16),
    },
    {
      name: "tile_matrix_f32",
      suits: () => false,
      runs: (traits) => matricesFit(traits, traits.matrixF32),
      rows,
      enable: ["subgroups", "chromium_experimental_subgroup_matrix"],
      ...matrixTiles(shape, stageMatrixF32, (traits) => traits.matrixF32),
    },
    // 16 rows of x at a time: for software adapters.
    { name: "invocation_many", suits: () => true, ...alone({ ...shape, int8: false }), rows },
  ];
}

/** @param multiplied How the tile's rows are staged and multiplied. */
function tiles(shape: LinearShape, multiplied: readonly string[]): How {
  return {
    parts: [...shape.shared, ...[tileRows, ...multiplied, tile].map((wgsl) => ({ wgsl }))],
    constants: () => shape.flags,
    grid: (params, rows) => foldedGrid(workgroupsOf(shape, params, TILE), Math.ceil(rows / TILE)),
  };
}

function matrixTiles(shape: LinearShape, stage: string, sizeOf: (traits: DeviceTraits) => MatrixSize | undefined): How {
  return {
    parts: [...shape.shared, ...[tileRows, stage, subgroupMatrix, tileMatrix].map((wgsl) => ({ wgsl }))],
    constants: (_, traits) => {
      const { m, n, k } = sizeOf(traits)!;
      return { ...shape.flags, MATRIX_M: m, MATRIX_N: n, MATRIX_K: k, ...matrixParts({ m, n, k }, traits) };
    },
    grid: (params, rows) => foldedGrid(workgroupsOf(shape, params, TILE), Math.ceil(rows / TILE)),
  };
}

/**
 * How subgroups share a tile, as few as a workgroup may have: parts as square as can be, of whole matrices. What they write
 * at a time is half a tile at most.
 */
function matrixParts({ m, n }: MatrixSize, { subgroupMax }: DeviceTraits) {
  let [x, w] = [1, 1];
  while (2 * x * w * subgroupMax <= 2 * TILE) {
    if (x <= w && x * m < TILE / 2) x *= 2;
    else if (w * n < TILE) w *= 2;
    else break;
  }
  return { X_PARTS: x, W_PARTS: w };
}

/** The workgroup must be whole subgroups of any size. */
function matricesFit(traits: DeviceTraits, size: MatrixSize | undefined): boolean {
  if (!size || !subgroupsSuffice(traits) || (2 * TILE) % traits.subgroupMax !== 0) return false;
  return traits.maxWorkgroupBytes >= MATRIX_BYTES && size.m <= TILE && size.n <= TILE && size.k <= GROUP_WEIGHTS;
}
