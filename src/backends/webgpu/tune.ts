// Choosing among right variants by their time. Nothing here knows of a GPU: what is measured, and the clock, are given.

/** One choice to make: a kernel for decode steps, or for prefill chunks. */
export interface Contest {
  /** Names it in the record of choices: kernel, phase, shapes, candidates. */
  readonly key: string;
  /** Variants, the one that is used without tuning first. */
  readonly candidates: readonly string[];
  /** What the kernel costs a step, roughly, in any unit: the dearest are decided first. */
  readonly weight: number;
}

/** All candidates, the best first, with milliseconds per dispatch of those that were measured to the end. */
export interface Choice {
  readonly order: readonly string[];
  readonly milliseconds: Readonly<Record<string, number>>;
}

/**
 * Runs a number of the kernel's dispatches, over all of its matrices in turn. Each variant has run before: drivers
 * finish compiling then.
 *
 * @returns Milliseconds of all of them, Infinity for a variant that cannot be used here.
 */
export type Measure<C extends Contest> = (contest: C, variant: string, dispatches: number) => Promise<number>;

export interface TuneOptions {
  /** What a measurement must take, so that the clock's steps do not matter. */
  readonly leastMs: number;
  /** Of all contests together. Where it ends a contest, there is no choice: the next load makes it, with time of its own. */
  readonly budgetMs: number;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Another variant replaces the default only when it takes less than this share of its time. */
const CLEARLY_FASTER = 0.97;
/** A candidate that takes more than this many times the best of a short run is not measured further. */
const HOPELESS = 2;
/** A short run is this part of a full one. */
const SHORT = 8;
/** In a full run. */
const MOST_DISPATCHES = 4096;
/** Full runs of each candidate, in turns; the shortest counts. */
const ROUNDS = 2;

/** @returns By the contests' keys, those that were decided within the budget. */
export async function chooseVariants<C extends Contest>(
  contests: readonly C[],
  measure: Measure<C>,
  { leastMs, budgetMs, now }: TuneOptions,
): Promise<ReadonlyMap<string, Choice>> {
  const end = now() + budgetMs;
  const choices = new Map<string, Choice>();
  for (const contest of [...contests].sort((a, b) => b.weight - a.weight)) {
    const choice = await decide(contest, measure, leastMs, () => now() >= end);
    // One that alone takes more than the budget keeps the default, lest each load try in vain.
    if (!choice && choices.size === 0) choices.set(contest.key, { order: contest.candidates, milliseconds: {} });
    if (!choice) break;
    choices.set(contest.key, choice);
  }
  return choices;
}

/** Undefined when the time is over before the choice is made. */
async function decide<C extends Contest>(
  contest: C,
  measure: Measure<C>,
  leastMs: number,
  over: () => boolean,
): Promise<Choice | undefined> {
  const usual = await shortRun(contest, measure, leastMs / SHORT, over);
  if (!usual) return undefined;
  const short = usual.dispatches;

  const screened = new Map<string, number>([[usual.variant, usual.ms]]);
  for (const variant of contest.candidates.filter((name) => name !== usual.variant)) {
    if (over()) return undefined;
    screened.set(variant, await measure(contest, variant, short));
  }
  const bound = HOPELESS * Math.min(...screened.values());
  const left = contest.candidates.filter((variant) => screened.get(variant)! <= bound);

  const full = Math.max(1, Math.min(SHORT * short, Math.ceil((short * leastMs) / usual.ms)));
  const best = new Map<string, number>();
  for (let round = 0; round < ROUNDS && left.length > 1; round++)
    for (const variant of left) {
      if (over()) return undefined;
      best.set(variant, Math.min(best.get(variant) ?? Number.POSITIVE_INFINITY, await measure(contest, variant, full)));
    }
  return {
    order: ranked(contest.candidates, (variant) => best.get(variant) ?? screened.get(variant)!, left),
    milliseconds: Object.fromEntries([...best].map(([variant, time]) => [variant, time / full])),
  };
}

interface ShortRun {
  readonly variant: string;
  readonly dispatches: number;
  readonly ms: number;
}

/** So many dispatches that the first candidate that runs here takes `ms`; undefined when there is no time for it. */
async function shortRun<C extends Contest>(
  contest: C,
  measure: Measure<C>,
  least: number,
  over: () => boolean,
): Promise<ShortRun | undefined> {
  for (const variant of contest.candidates) {
    if (over()) return undefined;
    for (let dispatches = 1; !over(); dispatches *= 2) {
      const ms = await measure(contest, variant, dispatches);
      if (ms === Number.POSITIVE_INFINITY) break;
      if (ms >= least || SHORT * dispatches >= MOST_DISPATCHES) return { variant, dispatches, ms };
    }
  }
  return undefined;
}

/** Those that were measured to the end by time, the default before those not clearly faster; then the others. */
function ranked(candidates: readonly string[], timeOf: (variant: string) => number, finalists: readonly string[]) {
  const byTime = (variants: readonly string[]) => [...variants].sort((a, b) => timeOf(a) - timeOf(b));
  const sorted = byTime(finalists);
  const [usual] = candidates;
  if (finalists.includes(usual!) && timeOf(sorted[0]!) >= CLEARLY_FASTER * timeOf(usual!)) sorted.unshift(usual!);
  return [...new Set([...sorted, ...byTime(candidates)])];
}
