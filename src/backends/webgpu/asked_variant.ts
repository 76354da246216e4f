// A variant that a person asks for by name, to try it where it is not chosen by itself: FENNEC_VARIANT.

import { rowBucket } from "../../../kernels/kernel";
import { FennecError } from "../../errors";
import type { Plan } from "../../plan/plan";
import type { Pipelines } from "./pipelines";
import { setting } from "./settings";

export function askedVariant(): string | undefined {
  return setting("FENNEC_VARIANT") || undefined;
}

/**
 * Nobody should measure another variant than the one asked for: call it before anything is compiled, and after the
 * self-test, which may have refused it.
 *
 * @throws FennecError `invalid-argument` when no kernel of the plan runs the variant that was asked for.
 */
export function checkAskedVariant(
  { decode, prefill }: Pick<Plan, "decode" | "prefill">,
  pipelines: Pick<Pipelines, "candidates">,
  chunkRows: number,
): void {
  const asked = askedVariant();
  if (!asked) return;
  const candidates = [...decode, ...prefill].flatMap(({ kernel }) =>
    [1, rowBucket(chunkRows)].map((bucket) => pipelines.candidates(kernel, bucket).map(({ name }) => name)),
  );
  if (candidates.some(([first]) => first === asked)) return;
  throw new FennecError(
    "invalid-argument",
    `FENNEC_VARIANT is "${asked}", which no kernel of this model has, this device cannot run, or its self-test refused. ` +
      `What runs here: ${[...new Set(candidates.flat())].sort().join(", ")}.`,
  );
}
