// The choices that a plan has between variants of its kernels, one per kernel and phase, and what measuring them needs.

import { ROW_BUCKETS, rowBucket } from "../../../kernels/kernel";
import type { BufferRef, Plan, PlannedDispatch } from "../../plan/plan";
import type { BoundDispatch } from "./bindings";
import { type Phase, type Pipelines, phaseOf } from "./pipelines";
import type { Contest } from "./tune";
import { defaultOrder } from "./tune_defaults";

/** Many times slower on GPUs: a single dispatch of them could take seconds there. */
const FOR_SOFTWARE: ReadonlySet<string> = new Set(["invocation", "invocation_many", "few_lanes"]);

/** What a variant enables that is used only where it is meant to be: another precision, or no standard yet. */
const NOT_BY_ITSELF: ReadonlySet<string> = new Set(["f16", "chromium_experimental_subgroup_matrix"]);

/** A kernel of the plan and what decides its time. */
export interface KernelContest extends Contest {
  readonly kernel: PlannedDispatch["kernel"];
  readonly phase: Phase;
  readonly bucket: number;
  /** Those of this kernel and phase: indices in {@link TuneWork.dispatches}, one of each shape first. */
  readonly dispatches: readonly number[];
}

/** What measuring needs to run dispatches of the plan. */
export interface TuneWork {
  /** Those of the plan for decoding, then those of the plan for prefill. */
  readonly dispatches: readonly BoundDispatch[];
  readonly batch: GPUBuffer;
  /** Keys and values of each layer, and the bytes of a page of it. */
  readonly kv: readonly { readonly buffer: GPUBuffer; readonly pageBytes: number }[];
  readonly chunkRows: number;
  readonly context: number;
}

export type TunedPlan = Pick<Plan, "decode" | "prefill" | "matrices">;

/** The kernels of the plan that have a choice. */
export function contestsOf(vendor: string, pipelines: Pipelines, plan: TunedPlan, chunkRows: number): KernelContest[] {
  const all = [...plan.decode, ...plan.prefill];
  const inPhase = (index: number, phase: Phase) => index < plan.decode.length === (phase === "decode");
  const names = [...new Set(all.map(({ kernel }) => kernel.name))];
  return names.flatMap((name) =>
    (["decode", "prefill"] as const).flatMap((phase) => {
      const bucket = phase === "decode" ? 1 : rowBucket(chunkRows);
      const own = all.flatMap((dispatch, index) =>
        dispatch.kernel.name === name && inPhase(index, phase) && (phase === "decode" || dispatch.rows === "tokens")
          ? [index]
          : [],
      );
      const [first] = own;
      if (first === undefined || phaseOf(bucket) !== phase) return [];
      const { kernel } = all[first]!;
      const usual = candidatesOf(pipelines, kernel, phase, bucket);
      if (usual.length < 2) return [];
      const candidates = defaultOrder(vendor, name, phase, usual);
      const dispatches = oneOfEachFirst(own, (index) => shapeOf(all[index]!));
      const shapes = [...new Set(own.map((index) => shapeOf(all[index]!)))];
      const key = `${name} ${phase} of ${[...candidates].sort().join(", ")} on ${shapes.join(" ")}`;
      const weight = own.reduce((sum, index) => sum + bytesOf(plan, all[index]!), 0);
      return [{ key, kernel, phase, bucket, candidates, dispatches, weight }];
    }),
  );
}

/**
 * Variants to choose among. For decoding only those that serve all of its buckets, so that a row has the same bits alone
 * and in a batch.
 */
function candidatesOf(
  pipelines: Pipelines,
  kernel: PlannedDispatch["kernel"],
  phase: Phase,
  bucket: number,
): readonly string[] {
  const most = ROW_BUCKETS[ROW_BUCKETS.length - 1]!;
  const candidates = pipelines.candidates(kernel, bucket);
  const servesAll = ({ rows = [1, most] }: (typeof candidates)[number]) => rows[0] <= 1 && rows[1] >= most;
  if (phase === "decode" && !candidates.slice(0, 1).every(servesAll)) return [];
  return candidates
    .filter(({ name }) => pipelines.traits.software || !FOR_SOFTWARE.has(name))
    .filter((variant) => variant.suits(pipelines.traits) || !variant.enable?.some((each) => NOT_BY_ITSELF.has(each)))
    .filter((variant) => phase === "prefill" || servesAll(variant))
    .map(({ name }) => name);
}

/** The parameters that decide how long a dispatch takes: no offsets, no factors. */
function shapeOf({ kernel, params }: PlannedDispatch): string {
  const sizes = Object.entries(params).filter(
    ([name]) => kernel.params[name] === "u32" && !/_at$|^section|^row_begin$|^pages_per_slot$/.test(name),
  );
  return sizes.map(([name, value]) => `${name}=${value}`).join(",");
}

function oneOfEachFirst(indices: readonly number[], shapeOf: (index: number) => string): number[] {
  const firsts = [...new Map([...indices].reverse().map((index) => [shapeOf(index), index])).values()].reverse();
  return [...firsts, ...indices.filter((index) => !firsts.includes(index))];
}

/** Of the matrices that a dispatch reads; at least 1. */
function bytesOf(plan: Pick<Plan, "matrices">, { buffers }: PlannedDispatch): number {
  const bytes = (ref: BufferRef) =>
    ref.kind === "matrix" ? plan.matrices.find(({ name }) => name === ref.name)!.parts[ref.part]!.layout.bytes : 0;
  return Object.values(buffers).reduce((sum, ref) => sum + bytes(ref), 1);
}
