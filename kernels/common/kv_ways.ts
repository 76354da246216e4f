// Ways to compute with a cache of keys and values: which devices they are for, and the same with native f16.

import { FennecError } from "../../src/errors";
import type { DeviceTraits, Variant } from "../kernel";

/** Largest head that the kernels hold. */
export const MAX_HEAD_DIM = 256;

/** @throws FennecError `backend-unsupported` for heads that are no multiple of 4 or longer than MAX_HEAD_DIM. */
export function checkHeadDim(headDim: number): void {
  if (headDim % 4 !== 0 || headDim < 4 || headDim > MAX_HEAD_DIM)
    throw new FennecError(
      "backend-unsupported",
      `attention with heads of ${headDim}: the webgpu kernels hold multiples of 4 up to ${MAX_HEAD_DIM}. ` +
        `Try backend: "reference".`,
    );
}

/** What variants of attention differ in before a kernel adds its own. */
export interface Way {
  readonly name: string;
  readonly suits: (traits: DeviceTraits) => boolean;
  readonly runs: (traits: DeviceTraits) => boolean;
  readonly enable: NonNullable<Variant["enable"]>;
}

export const ON_SUBGROUPS: Way = {
  name: "subgroup",
  suits: (traits) => traits.subgroups && !traits.software,
  runs: (traits) => traits.subgroups,
  enable: ["subgroups"],
};
/** Barriers, but no subgroups. */
export const IN_WORKGROUPS: Way = {
  name: "workgroup",
  suits: (traits) => !traits.software,
  runs: () => true,
  enable: [],
};
/** No barriers: for software adapters. */
export const BY_INVOCATION: Way = { name: "invocation", suits: () => true, runs: () => true, enable: [] };

/** The same on devices with shader-f16. */
export function nativeF16<W extends Way>(way: W): W {
  return {
    ...way,
    name: `${way.name}_f16`,
    suits: (traits: DeviceTraits) => traits.f16 && way.suits(traits),
    runs: (traits: DeviceTraits) => traits.f16 && way.runs(traits),
    enable: ["f16", ...way.enable],
  };
}
