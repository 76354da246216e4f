// Where the three lowerings meet. An engine owns sequences, pages and prefixes (bookkeeping); a backend owns memory and
// arithmetic. They meet at `step`: rows of tokens in, requested outputs back. Submissions run in the order they are
// made and need not be awaited before the next one.

import type { SamplerSettings } from "../../kernels/sample/settings";
import type { WeightsFile } from "../files/weights_file";
import type { Graph } from "../graph/graph";

export type BackendKind = "webgpu" | "onnx" | "reference";
export type Precision = "exact" | "fast";
/** How keys and values are stored. `int8`: each 32 elements of a head share an f32 scale. */
/** What matrices are multiplied with in decoding: `int8` rounds a row to 8 bits per 32 elements. */
export type Activations = "f32" | "int8";
export type KvType = "f32" | "f16" | "int8";

/** A row's token is the one its slot sampled last, wherever that is (on webgpu it never left the GPU). */
export const LAST_TOKEN = -1;

export type Want =
  | "nothing"
  /** Sample with the slot's settings; the id also becomes the slot's last token, and the slot's position the next one. */
  | "token"
  /** `[vocab]` f32. */
  | "logits";

export interface Row {
  readonly slot: number;
  /** Token id, or {@link LAST_TOKEN} (then `position` must be the one after the slot's last row). */
  readonly token: number;
  /** Position in the sequence, from 0. The row's k and v go there. */
  readonly position: number;
  /** Keys `0 ... keyEnd - 1` are visible; `position + 1` (causal) when absent. */
  readonly keyEnd?: number;
  readonly want: Want;
}

/** Maps page `index` of a slot (tokens `index · pageTokens` on) to a page of the group's pool. */
export interface PageWrite {
  readonly group: number;
  readonly slot: number;
  readonly index: number;
  readonly page: number;
}

export interface StepBatch {
  /**
   * At most `limits.rows`, at most `limits.outputs` of which want something. Rows of one slot stand together at rising
   * positions without gaps, and only the last of them may want a token.
   */
  readonly rows: readonly Row[];
  /** Applied before the rows run. */
  readonly pages?: readonly PageWrite[];
  /** Copies whole pages inside a group's pools before the rows run (a fork that shares a partly filled page). */
  readonly pageCopies?: readonly { readonly group: number; readonly from: number; readonly to: number }[];
}

/** One per row that wanted something, in the order of the rows. */
export type StepOutput =
  | { readonly want: "token"; readonly slot: number; readonly generation: number; readonly token: number }
  | { readonly want: "logits"; readonly slot: number; readonly logits: Float32Array };

/** Layers that share a page table: same window. Each has its own pool of pages. */
export interface CacheGroup {
  readonly layers: readonly number[];
  readonly window?: number;
  /** Pages in the pool, numbered from 0. */
  readonly pages: number;
  /** KV bytes of one page over all layers of the group. */
  readonly pageBytes: number;
}

/** What a sequence brings into a slot. */
export interface SlotState {
  /** Raised at each use of the slot; carried by its results. */
  readonly generation: number;
  readonly sampler: SamplerSettings;
  /** Tokens that repetition penalties count from the start (the prompt). */
  readonly history: readonly number[];
  /**
   * Tokens of the reply so far, when a sequence comes back after giving way to another: counted by all three penalties,
   * as if they had been sampled here.
   */
  readonly reply?: readonly number[];
}

/** Cumulative counts since the backend was made. Tests and the bench take differences. */
export interface Counters {
  dispatches: number;
  submits: number;
  passes: number;
  bindGroups: number;
  buffers: number;
  pipelines: number;
  /** writeBuffer calls by cause. */
  pageWrites: number;
  batchWrites: number;
  slotWrites: number;
  otherWrites: number;
  bytesRead: number;
}

export interface BackendLimits {
  /** Rows in one step (the prefill chunk), and rows of one step that may want an output. */
  readonly rows: number;
  readonly outputs: number;
  readonly slots: number;
  /** Tokens in one sequence: the model's context, or what memory and binding limits allow. */
  readonly context: number;
  /** Milliseconds that a step should take at most, as the device draws nothing of the page meanwhile; absent: any. */
  readonly stepMs?: number;
}

export interface Backend {
  readonly kind: BackendKind;
  readonly precision: Precision;
  /** How keys and values are stored; f64 on the reference alone. */
  readonly kv: KvType | "f64";
  /** `int8` where it was asked for and the device has the instructions; f32 (or f64) when absent. */
  readonly activations?: "int8";
  /** For people: adapter vendor, architecture and description; `cpu` for the reference. */
  readonly adapter: string;
  /** Why this backend runs and not WebGPU, where it stands in for it. */
  readonly reason?: string;
  readonly limits: BackendLimits;
  readonly pageTokens: number;
  readonly groups: readonly CacheGroup[];
  readonly counters: Readonly<Counters>;
  /** Bytes held: weights, KV pools, everything else. */
  readonly memory: { readonly weights: number; readonly kv: number; readonly other: number };
  /** Resolves when the backend cannot go on (device lost). Never rejects. */
  readonly lost: Promise<{ readonly reason: string }>;

  /** Puts a sequence into a slot: sampler settings, random key, history. Takes effect for rows submitted later. */
  openSlot(slot: number, state: SlotState): void;

  /**
   * Runs rows. Steps run in the order submitted. On webgpu a batch whose rows are the previous batch's with
   * {@link LAST_TOKEN} and positions one further costs no host write.
   *
   * @throws FennecError (as a rejection) `invalid-argument`, `device-lost`, `out-of-memory`, `disposed`.
   */
  step(batch: StepBatch): Promise<readonly StepOutput[]>;

  dispose(): void;
}

export interface BackendOptions {
  readonly precision: Precision;
  readonly kv: KvType;
  /** f32 when absent. */
  readonly activations?: Activations;
  /** Tokens that all sequences together may hold; decides the size of the page pools. */
  readonly kvTokens: number;
  /** Longest single sequence, tokens. */
  readonly context: number;
  readonly slots: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface LoadProgress {
  readonly phase: "header" | "compile" | "weights" | "ready";
  readonly bytesLoaded: number;
  readonly bytesTotal: number;
}

/** What a backend is made from. */
export interface BackendInput {
  readonly graph: Graph;
  readonly file: WeightsFile;
  readonly vocab: number;
  readonly options: BackendOptions;
}
