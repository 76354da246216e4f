// Which variants a load uses: chosen by measuring once per device, kept (verdicts.ts), and taken from there afterwards.
// Where nothing was measured a small table per vendor decides (tune_defaults.ts), and then the kernels' own order.
//
// A choice is one of speed only. Variants that the self-test refused take no part, and what was chosen is still tested
// before it is used (index.ts runs the self-test after the tuning).

import { FennecError } from "../../errors";
import type { Gpu } from "./device";
import type { Pipelines } from "./pipelines";
import { setting } from "./settings";
import type { Choice, Contest } from "./tune";
import { contestsOf, type KernelContest, type TunedPlan, type TuneWork } from "./tune_contests";
import { readVerdict, updateVerdict } from "./verdicts";

/**
 * `auto`: measures what was not measured on this device yet, at most 300 ms a load; not on software adapters. `off`:
 * takes the defaults. `force`: measures everything, also on software adapters. `keep`: takes what was chosen before, and
 * measures nothing.
 */
export type Tune = "auto" | "off" | "force" | "keep";

/** Of measuring, in one load. By force there is time for slow adapters too. */
const BUDGET_MS = { auto: 300, force: 10_000 } as const;

type TunedGpu = Pick<Gpu, "device" | "traits" | "vendor" | "verdicts">;

export interface TuneOnce {
  /** Measures what is open. Call it when matrices are on the GPU and nothing else runs there. */
  run(work: TuneWork): Promise<void>;
}

/**
 * Prefers what was chosen before; call it before anything is compiled.
 *
 * @param choice The load option; `FENNEC_TUNE` goes before it.
 * @throws FennecError `invalid-argument` for another value of `FENNEC_TUNE`.
 */
export async function prepareTuning(
  gpu: TunedGpu,
  pipelines: Pipelines,
  plan: TunedPlan,
  chunkRows: number,
  choice: Tune,
): Promise<TuneOnce> {
  const tune = modeOf(setting("FENNEC_TUNE"), choice);
  const contests = contestsOf(gpu.vendor, pipelines, plan, chunkRows);
  const usesKnown = tune === "keep" || (tune === "auto" && !gpu.traits.software);
  const known = usesKnown ? ((await readVerdict(gpu.verdicts)).tuning ?? {}) : {};
  const open: KernelContest[] = [];
  for (const contest of contests) {
    const order = orderOf(known[contest.key], contest);
    if (!order) open.push(contest);
    pipelines.prefer(contest.kernel, contest.phase, order ?? contest.candidates);
  }
  return {
    async run(work) {
      if (tune === "off" || tune === "keep" || (tune === "auto" && !usesKnown) || open.length === 0) return;
      const { measureContests } = await import("./tune_device");
      const choices = await measureContests(gpu.device, pipelines, open, work, BUDGET_MS[tune]);
      for (const { key, kernel, phase } of open) {
        const chosen = choices.get(key);
        if (chosen) pipelines.prefer(kernel, phase, chosen.order);
      }
      await updateVerdict(gpu.verdicts, ({ tuning }) => ({ tuning: { ...tuning, ...Object.fromEntries(choices) } }));
    },
  };
}

function modeOf(value: string | undefined, choice: Tune): Tune {
  if (value === undefined || value === "") return choice;
  if (value !== "auto" && value !== "off" && value !== "force")
    throw new FennecError("invalid-argument", `FENNEC_TUNE is "${value}"; allowed are "auto", "off" and "force".`);
  return choice === "keep" && value !== "off" ? choice : value;
}

/** A stored choice, if it is one among these candidates. */
function orderOf(stored: unknown, { candidates }: Contest): readonly string[] | undefined {
  const order: unknown = (stored as Partial<Choice> | undefined)?.order;
  if (!Array.isArray(order) || order.length !== candidates.length) return undefined;
  return candidates.every((name) => order.includes(name)) ? (order as string[]) : undefined;
}
