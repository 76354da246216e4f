// What a kernel is: WGSL parts to link, the bindings and parameters that all its variants share, and the variants
// themselves, best first. A kernel knows nothing of buffers, pipelines or devices; the webgpu backend does.

import { MAX_ROWS } from "./common/batch";
import type { Bindings, Part } from "./linker";

export type { Access, Bindings } from "./linker";

/** A multiplication that subgroups do as one: [m, k] times [k, n]. */
export interface MatrixSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** What the device offers and how it likes to work; variants choose themselves by it. */
export interface DeviceTraits {
  readonly f16: boolean;
  readonly subgroups: boolean;
  /** Smallest and largest subgroup that the adapter may use; 0 where subgroups are missing. */
  readonly subgroupMin: number;
  readonly subgroupMax: number;
  /** WGSL's packed_4x8_integer_dot_product: dot4I8Packed and its like. */
  readonly packedDot: boolean;
  /** Subgroup matrices of these components with sums in f32: the size to use, where there is one. */
  readonly matrixF16: MatrixSize | undefined;
  readonly matrixF32: MatrixSize | undefined;
  readonly maxInvocations: number;
  readonly maxWorkgroupBytes: number;
  /** A software adapter: it pays for barriers, not for bytes. */
  readonly software: boolean;
}

export type ScalarType = "u32" | "i32" | "f32";
/** Fields of the shader's `struct Params`, in order. All are four bytes wide, so there is no padding to know. */
export type ParamTypes = Readonly<Record<string, ScalarType>>;
export type ParamsOf<P extends ParamTypes> = Readonly<Record<keyof P, number>>;

export type Grid = readonly [x: number, y: number, z: number];

/** What grids may follow beside the number of rows. */
export interface StepShape {
  /** Splits of SPLIT_TOKENS tokens that the longest context of the step touches, at least 1. */
  readonly splits: number;
}

/** One way to compute a kernel. */
export interface Variant<P extends ParamTypes = ParamTypes> {
  /** `subgroup`, `workgroup`, `invocation`, ... */
  readonly name: string;
  /** Can this variant run there, and is it meant for it? The first variant that says yes is used. */
  readonly suits: (traits: DeviceTraits) => boolean;
  /**
   * Could it run there at all, though another variant is preferred? Tests run every variant that can.
   * Same as `suits` when absent.
   */
  readonly runs?: (traits: DeviceTraits) => boolean;
  /** Rows it serves, inclusive: decode variants say [1, 16], prefill variants [17, Infinity]. All when absent. */
  readonly rows?: readonly [number, number];
  /** Rounds the rows that it reads to eight bits, and a case's reference with it. */
  readonly int8?: boolean;
  /** Files to join, before the shared ones. */
  readonly parts: readonly Part[];
  /**
   * Numbers linked as `const`, given the row bucket (1, 2, 4, 8, 16 or the chunk): what sizes arrays and loops.
   * Decode sums must run in the same order whatever the bucket.
   */
  readonly constants?: (rows: number, traits: DeviceTraits) => Readonly<Record<string, number>>;
  readonly enable?: readonly ("f16" | "subgroups" | "chromium_experimental_subgroup_matrix")[];
  /**
   * Workgroups for `rows` rows (token rows or output rows, whichever the kernel works on).
   * A method, so that kernels of any parameters fit in one list.
   */
  grid(params: ParamsOf<P>, rows: number, traits: DeviceTraits, step: StepShape): Grid;
}

/** One operation with its weight formats and options chosen; independent of the device. */
export interface Kernel<P extends ParamTypes = ParamTypes> {
  /** Profile label and error prefix; equal names mean equal kernels (pipelines are cached by it). */
  readonly name: string;
  readonly bindings: Bindings;
  readonly params: P;
  readonly variants: readonly Variant<P>[];
  /** The arguments it was made from, where it is made per format and option: kernels/self_test.ts makes its cases so. */
  readonly madeFrom?: readonly unknown[];
}

export function defineKernel<const P extends ParamTypes>(kernel: Kernel<P>): Kernel<P> {
  const storage = Object.values(kernel.bindings).filter((access) => access !== "uniform").length;
  if (storage > 8) throw new Error(`kernel ${kernel.name}: ${storage} storage buffers, the portable limit is 8`);
  return kernel;
}

/** Buckets of row counts: a step runs in the smallest that holds it, with pipelines compiled for that size. */
export const ROW_BUCKETS = [1, 2, 4, 8, 16] as const;

/** The bucket that `rows` rows run in; that of a prefill chunk, MAX_ROWS, above the decode buckets. */
export function rowBucket(rows: number): number {
  return ROW_BUCKETS.find((bucket) => rows <= bucket) ?? MAX_ROWS;
}

/** The largest number of workgroups along one axis of a dispatch. */
export const MAX_GROUPS = 65_535;

/**
 * A grid of `count` workgroups, folded into rows of the largest allowed size. The shader unfolds it with
 * `group_index(workgroup_id, num_workgroups)` of common/grid.wgsl and returns early past `count`.
 */
export function foldedGrid(count: number, z = 1): Grid {
  if (count <= MAX_GROUPS) return [count, 1, z];
  const y = Math.ceil(count / MAX_GROUPS);
  return [Math.ceil(count / y), y, z];
}
