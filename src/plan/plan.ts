// The webgpu plan: everything a step dispatches, as data. Made once per model from the recorded graph; it names buffers
// and holds parameters, but no GPU object. The backend makes the buffers, binds them once and then only replays.

import type { Kernel } from "../../kernels/kernel";
import type { MatrixLayout, WeightFormat } from "../../kernels/quant/format";
import type { CacheGroup, KvType } from "../backends/backend";
import type { Graph, RopeSpec, RowKind, WeightRef } from "../graph/graph";
import type { Scratch } from "./buffers";

/** A buffer by its role. */
export type BufferRef =
  | { readonly kind: "scratch"; readonly index: number }
  | { readonly kind: "matrix"; readonly name: string; readonly part: number }
  | { readonly kind: "kv"; readonly layer: number }
  | {
      readonly kind:
        | "batch"
        | "slots"
        | "vectors"
        | "rope"
        | "pages"
        | "partials"
        | "scores"
        | "counts"
        | "biases"
        | "exp2"
        | "sampled";
    };

export interface PlannedDispatch {
  readonly kernel: Kernel;
  readonly params: Readonly<Record<string, number>>;
  /** By binding name, all but `params`. */
  readonly buffers: Readonly<Record<string, BufferRef>>;
  /** Which rows it works on: grids and row buckets follow their number. */
  readonly rows: RowKind;
  /** Left out of steps whose contexts all lie in one split. */
  readonly onlySplit?: boolean;
}

/** A matrix as it lies on the GPU: rows are split at the binding limit, one buffer per part. */
export interface PlannedMatrix {
  readonly name: string;
  readonly format: WeightFormat;
  readonly cols: number;
  /** The file's tensors whose rows follow each other here: several only where there is one part. */
  readonly tensors: readonly { readonly name: string; readonly rows: number }[];
  readonly parts: readonly { readonly firstRow: number; readonly rows: number; readonly layout: MatrixLayout }[];
}

export interface PlannedRope {
  readonly rope: RopeSpec;
  /** f32 elements into the tables buffer: the 256 fine positions, then the coarse ones. */
  readonly at: number;
  readonly coarseAt: number;
}

export interface Plan {
  /** For steps in which every sequence has one row: {@link fuse} with the rules for decoding. */
  readonly decode: readonly PlannedDispatch[];
  /** For all other steps. */
  readonly prefill: readonly PlannedDispatch[];
  /** Appended to a step in which a row wants a token. */
  readonly sampling: readonly PlannedDispatch[];
  readonly scratch: readonly Scratch[];
  readonly logits: BufferRef;
  readonly matrices: readonly PlannedMatrix[];
  /** Small vectors in one buffer: where each starts, f32 elements. */
  readonly vectors: readonly { readonly ref: WeightRef; readonly at: number }[];
  readonly vectorElements: number;
  readonly ropes: readonly PlannedRope[];
  readonly ropeElements: number;
  /** f32 that a row's partial results of attention need at most. */
  readonly partialElements: number;
}

/** What planning needs to know beside the graph. */
export interface PlanInput {
  readonly graph: Graph;
  readonly vocab: number;
  readonly kv: KvType;
  /** Matrices whose format allows it are multiplied with rows rounded to 8 bits, in steps of few rows. */
  readonly int8: boolean;
  readonly groups: readonly CacheGroup[];
  readonly pagesPerSlot: number;
  readonly slots: number;
  readonly context: number;
  /** Largest storage binding, bytes. */
  readonly maxBindingBytes: number;
  /** Weight format of a matrix, by the file's type. */
  readonly formatOf: (weight: WeightRef) => WeightFormat;
}
