// Subgroup matrices, which no browser has without a flag yet: Dawn's experimental feature, and which of the sizes that an
// adapter lists is used. Source: Dawn, docs/dawn/features/subgroup_matrix.md; gpuweb/proposals/subgroup-matrix.md, a
// draft in which names and syntax still differ from Dawn's.

import type { MatrixSize } from "../../../kernels/kernel";

/** Not among the names that @webgpu/types knows. */
export const SUBGROUP_MATRIX = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

/** An entry of `GPUAdapterInfo.subgroupMatrixConfigs`. */
interface SubgroupMatrixConfig {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** Sizes that kernels are made for: rows of 16 bytes at least, and tiles of 64 by 64 in steps of 32 columns. */
const SIZES: ReadonlySet<number> = new Set([8, 16]);

/**
 * The largest multiplication of matrices with these components and sums in f32; of equals the first, as drivers list what
 * they like best first. Undefined where there is none.
 */
export function matrixSize(info: GPUAdapterInfo, component: "f16" | "f32"): MatrixSize | undefined {
  const configs: Iterable<SubgroupMatrixConfig> = Reflect.get(info, "subgroupMatrixConfigs") ?? [];
  const sizes = [...configs]
    .filter(({ componentType, resultComponentType }) => componentType === component && resultComponentType === "f32")
    .map(({ M, N, K }) => ({ m: M, n: N, k: K }))
    .filter(({ m, n, k }) => [m, n, k].every((side) => SIZES.has(side)));
  const volume = ({ m, n, k }: MatrixSize) => m * n * k;
  return sizes.sort((a, b) => volume(b) - volume(a))[0];
}
