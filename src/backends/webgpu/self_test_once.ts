// The self-test, run once per device and not once per load: what it found is kept (verdicts.ts), a kernel whose shaders
// were right is not tested again, and a variant that was wrong is not used again.

import { MAX_ROWS } from "../../../kernels/common/batch";
import type { Kernel } from "../../../kernels/kernel";
import { FennecError } from "../../errors";
import type { Gpu } from "./device";
import type { Pipelines } from "./pipelines";
import type { RefusedVariant } from "./self_test";
import { setting } from "./settings";
import { readVerdict, type SelfTestVerdict, updateVerdict } from "./verdicts";

/** The shaders that the self-test runs: those of decoding one sequence and of a prefill chunk. */
const BUCKETS = [1, MAX_ROWS] as const;

export interface SelfTestOnce {
  /** Tests what has not been tested here yet. @throws FennecError `self-test-failed` when no variant of a kernel is right. */
  readonly run: () => Promise<void>;
}

/**
 * Refuses what is known to be wrong here; call it before anything is compiled.
 *
 * `FENNEC_SELF_TEST=force` tests everything, whatever is known; `off` tests nothing and trusts every variant.
 *
 * @throws FennecError `invalid-argument` for another value of `FENNEC_SELF_TEST`.
 */
export async function prepareSelfTest(
  { device, traits, verdicts }: Pick<Gpu, "device" | "traits" | "verdicts">,
  pipelines: Pipelines,
  kernels: readonly Kernel[],
): Promise<SelfTestOnce> {
  const mode = modeOf(setting("FENNEC_SELF_TEST"));
  if (mode === "off") return { run: async () => undefined };
  const all = [...new Map(kernels.map((kernel) => [kernel.name, kernel])).values()];
  const known = mode === "force" ? undefined : (await readVerdict(verdicts)).selfTest;
  if (known) for (const kernel of all) refuseKnown(pipelines, kernel, known);
  return {
    async run() {
      const passed = new Set(known?.passed);
      const open = all.filter((kernel) => !names(pipelines, kernel).every((name) => passed.has(name)));
      if (open.length === 0) return;
      const { selfTest } = await import("./self_test");
      const refused: RefusedVariant[] = [];
      try {
        await selfTest(device, traits, pipelines, open, refused);
        for (const kernel of open) for (const name of names(pipelines, kernel)) passed.add(name);
      } finally {
        await keep(verdicts, [...passed], refused);
      }
    },
  };
}

function modeOf(value: string | undefined): "force" | "off" | undefined {
  if (value === undefined || value === "" || value === "force" || value === "off") return value || undefined;
  throw new FennecError("invalid-argument", `FENNEC_SELF_TEST is "${value}"; allowed are "force" and "off".`);
}

/** Unless nothing would be left: then the fault may have been of the moment, and is looked for again. */
function refuseKnown(pipelines: Pipelines, kernel: Kernel, { refused }: SelfTestVerdict): void {
  for (const bucket of BUCKETS) {
    const shaders = pipelines.shaders(kernel, bucket);
    const wrong = shaders.filter(({ name }) => name in refused);
    if (wrong.length < shaders.length) for (const { variant } of wrong) pipelines.refuse(kernel, variant);
  }
}

/** The shaders in use, of the buckets that the kernel has. */
function names(pipelines: Pipelines, kernel: Kernel): string[] {
  return BUCKETS.flatMap((bucket) => pipelines.shaders(kernel, bucket).slice(0, 1)).map(({ name }) => name);
}

/** Adds to what is stored: other models have other kernels. */
async function keep(
  key: Gpu["verdicts"],
  passed: readonly string[],
  refused: readonly RefusedVariant[],
): Promise<void> {
  const wrong = Object.fromEntries(refused.map(({ shader, found }) => [shader, found]));
  await updateVerdict(key, ({ selfTest }) => {
    const others = (selfTest?.passed ?? []).filter((name) => !(name in wrong));
    const still = Object.entries(selfTest?.refused ?? {}).filter(([name]) => !passed.includes(name));
    return {
      selfTest: {
        passed: [...new Set([...others, ...passed])],
        refused: { ...Object.fromEntries(still), ...wrong },
      },
    };
  });
}
