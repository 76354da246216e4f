// Which variants come first where nothing was measured, per vendor. Each line says why; what no line names keeps the
// kernel's own order. Variants that a kernel does not have here are passed over.

import type { Phase } from "./pipelines";

interface Default {
  /** `GPUAdapterInfo.vendor`. */
  readonly vendor: RegExp;
  readonly kernel: RegExp;
  readonly phase: Phase;
  /** Best first. */
  readonly variants: readonly string[];
}

export const DEFAULTS: readonly Default[] = [
  // Adreno keeps fewer than 64 registers per lane fast, and Mali has 16 lanes: workgroups of 64 with two rows of the matrix a
  // team leave more of them resident than 128 with four.
  { vendor: /^(qualcomm|arm)$/, kernel: /^linear_/, phase: "decode", variants: ["subgroup_2", "subgroup"] },
];

/** The candidates, those that a line names first. */
export function defaultOrder(
  vendor: string,
  kernel: string,
  phase: Phase,
  candidates: readonly string[],
): readonly string[] {
  const line = DEFAULTS.find((one) => one.vendor.test(vendor) && one.kernel.test(kernel) && one.phase === phase);
  const first = (line?.variants ?? []).filter((variant) => candidates.includes(variant));
  return [...new Set([...first, ...candidates])];
}
