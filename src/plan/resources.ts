// What the dispatches of a model's plans refer to, each thing once: matrices, small vectors, RoPE tables.

import { coarseOffset, FINE_POSITIONS } from "../../kernels/rope/rope";
import type { RopeSpec, WeightRef } from "../graph/graph";
import { planMatrix, planStack, usedOnce } from "./matrices";
import type { PlanInput, PlannedMatrix, PlannedRope } from "./plan";

export class PlanResources {
  readonly vectors = new Map<string, { readonly ref: WeightRef; readonly at: number }>();
  vectorElements = 0;
  readonly ropes = new Map<string, PlannedRope>();
  ropeElements = 0;
  readonly #input: PlanInput;
  readonly #matrices = new Map<string, readonly PlannedMatrix[]>();
  readonly #single: ReadonlySet<string>;

  constructor(input: PlanInput) {
    this.#input = input;
    this.#single = usedOnce(input.graph);
  }

  get matrices(): PlannedMatrix[] {
    return [...this.#matrices.values()].flat();
  }

  /** Can one dispatch read them? */
  stackable(weights: readonly WeightRef[]): boolean {
    return weights.every(({ name }) => this.#single.has(name)) && planStack(weights, this.#input) !== undefined;
  }

  /** The buffers of the weights, which are one, or {@link stackable}. */
  matricesOf(weights: readonly WeightRef[]): readonly PlannedMatrix[] {
    const key = weights.map(({ name }) => name).join(" ");
    const known = this.#matrices.get(key);
    if (known) return known;
    const planned = weights.length === 1 ? [planMatrix(weights[0]!, this.#input)] : planStack(weights, this.#input)!;
    this.#matrices.set(key, planned);
    return planned;
  }

  /** Where a vector starts, f32 elements. */
  vector(ref: WeightRef): number {
    return this.vectorsInOrder([ref]);
  }

  /** Where vectors that follow each other without a gap start. The same ones may be asked for again, not others of them. */
  vectorsInOrder(refs: readonly WeightRef[]): number {
    const known = this.vectors.get(refs[0]!.name);
    if (known) return known.at;
    const start = this.vectorElements;
    for (const ref of refs) {
      this.vectors.set(ref.name, { ref, at: this.vectorElements });
      this.vectorElements += ref.shape[0]!;
    }
    this.vectorElements = 4 * Math.ceil(this.vectorElements / 4); // starts stay 16-byte aligned
    return start;
  }

  rope(spec: RopeSpec): PlannedRope {
    const key = `${spec.dims} ${spec.factors?.name} ${spec.frequencies.join(" ")}`;
    const known = this.ropes.get(key);
    if (known) return known;
    const at = this.ropeElements;
    const planned = { rope: spec, at, coarseAt: at + coarseOffset(spec.dims) };
    this.ropes.set(key, planned);
    this.ropeElements += (FINE_POSITIONS + Math.ceil(this.#input.context / FINE_POSITIONS)) * spec.dims;
    return planned;
  }
}
