// What a step replays: the plan for its kind of step, with the pipelines and grids for its size. Bind groups are always
// the same; only these are chosen, and remembered by the step's shape.

import { SPLIT_TOKENS } from "../../../kernels/common/batch";
import { type DeviceTraits, type Kernel, ROW_BUCKETS, rowBucket } from "../../../kernels/kernel";
import type { StepBatch } from "../backend";
import type { BoundDispatch } from "./bindings";
import type { Pipelines } from "./pipelines";

/** The bound dispatches of a plan. */
export interface BoundPlan {
  readonly decode: readonly BoundDispatch[];
  readonly prefill: readonly BoundDispatch[];
  readonly sampling: readonly BoundDispatch[];
}

/** All that pipelines and grids depend on. */
export interface StepKind {
  readonly rows: number;
  readonly outputs: number;
  readonly sampling: boolean;
  /** Every sequence has one row, and few sequences have: the plan for decoding. */
  readonly decode: boolean;
  /** Splits of the longest context: see `StepShape` of kernels/kernel.ts. */
  readonly splits: number;
}

/** One dispatch with its pipeline and grid chosen. */
export interface Replayed {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

const MOST_DECODE_ROWS = ROW_BUCKETS[ROW_BUCKETS.length - 1]!;
/** Remembered kinds of steps; a prefill's last chunk may have any number of rows. */
const MAX_REMEMBERED = 64;

export function kindOf({ rows }: StepBatch): StepKind {
  let splits = 1;
  let causal = true;
  for (const { position, keyEnd } of rows) {
    splits = Math.max(splits, Math.ceil((position + 1) / SPLIT_TOKENS));
    if (keyEnd !== undefined && keyEnd !== position + 1) causal = false;
  }
  const decode =
    causal && rows.length <= MOST_DECODE_ROWS && new Set(rows.map(({ slot }) => slot)).size === rows.length;
  return {
    rows: rows.length,
    outputs: rows.reduce((count, { want }) => count + Number(want !== "nothing"), 0),
    sampling: rows.some(({ want }) => want === "token"),
    decode,
    // Prefill does not split, so its steps do not differ by it.
    splits: decode ? splits : 1,
  };
}

export class Replays {
  readonly #plan: BoundPlan;
  readonly #pipelines: Pipelines;
  readonly #traits: DeviceTraits;
  readonly #remembered = new Map<string, readonly Replayed[]>();

  constructor(plan: BoundPlan, pipelines: Pipelines, traits: DeviceTraits) {
    this.#plan = plan;
    this.#pipelines = pipelines;
    this.#traits = traits;
  }

  /** Undefined while a pipeline is not compiled. */
  of(kind: StepKind): readonly Replayed[] | undefined {
    const key = `${kind.decode} ${kind.rows} ${kind.outputs} ${kind.sampling} ${kind.splits}`;
    const known = this.#remembered.get(key);
    if (known) return known;
    const replay: Replayed[] = [];
    for (const { kernel, params, group, rows } of this.#dispatches(kind)) {
      const count = rows === "tokens" ? kind.rows : kind.outputs;
      const bucket = rowBucket(count);
      const compiled = this.#pipelines.ready(kernel, bucket);
      if (!compiled) return undefined;
      const gridRows = count <= MOST_DECODE_ROWS ? bucket : count;
      const [x, y, z] = compiled.variant.grid(params, gridRows, this.#traits, { splits: kind.splits });
      replay.push({ pipeline: compiled.pipeline, group, x, y, z });
    }
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value!);
    this.#remembered.set(key, replay);
    return replay;
  }

  /** Compiles what steps of this kind need, ahead of the first of them. */
  async warm(kind: StepKind): Promise<void> {
    await Promise.all(
      this.#dispatches(kind).map(({ kernel, rows }) =>
        this.#pipelines.compile(kernel, rowBucket(rows === "tokens" ? kind.rows : kind.outputs)),
      ),
    );
  }

  #dispatches({ decode, outputs, sampling, splits }: StepKind): readonly BoundDispatch[] {
    const plan = decode ? this.#plan.decode : this.#plan.prefill;
    const needed = plan.filter(
      ({ rows, onlySplit }) => (rows === "tokens" || outputs > 0) && (!onlySplit || splits > 1),
    );
    return sampling ? [...needed, ...this.#plan.sampling] : needed;
  }
}

/** What must be compiled before the first token: decoding of one sequence, and prefill chunks. */
export function firstPipelines(
  plan: { readonly [K in keyof BoundPlan]: readonly { readonly kernel: Kernel; readonly rows: string }[] },
  chunkRows: number,
): readonly (readonly [kernel: Kernel, bucket: number])[] {
  const bucketed = (rows: number) => (dispatch: { readonly kernel: Kernel; readonly rows: string }) =>
    [dispatch.kernel, dispatch.rows === "tokens" ? rowBucket(rows) : 1] as const;
  return [...plan.decode.map(bucketed(1)), ...plan.prefill.map(bucketed(chunkRows)), ...plan.sampling.map(bucketed(1))];
}
