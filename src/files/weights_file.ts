// What every reader of model files produces: metadata, and tensors by name with their byte ranges. Readers never hold
// weights; bytes are asked for when they are uploaded.

/** Random access to the bytes of one file. Made by `source.ts`. */
export interface ByteSource {
  /** For messages and cache keys: a path, URL or file name. */
  readonly name: string;
  /** Total bytes. */
  readonly size: number;
  /** Stable identity of the content where one is known (etag, mtime and size, sha256): the key of caches. */
  readonly identity: string;
  /**
   * Reads exactly `length` bytes at `offset`.
   * @throws FennecError `file-truncated` past the end, `source-unreadable`, `source-changed`, `aborted`.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** Like {@link read}, in order, in chunks of at most a few MiB; chunk borders fall anywhere. */
  stream(offset: number, length: number, signal?: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>;
  dispose(): void;
}

export type MetadataValue = string | number | bigint | boolean | readonly MetadataValue[] | MetadataArray;

/** Numeric arrays stay typed, so that a vocabulary's scores cost four bytes each. */
export type MetadataArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

export interface TensorInfo {
  readonly name: string;
  /** Weight type as ggml spells it: `F32`, `F16`, `BF16`, `Q8_0`, `Q4_0`, `Q4_K`, `Q6_K`, ... */
  readonly type: string;
  /** Slow axis first: a matrix is `[rows, cols]`, and `cols` is contiguous in the file. */
  readonly shape: readonly number[];
  /** Absolute byte range in `source`. */
  readonly offset: number;
  readonly bytes: number;
  readonly source: ByteSource;
}

export interface WeightsFile {
  readonly format: "gguf" | "safetensors";
  readonly name: string;
  /** Keys as the file spells them (`general.architecture`, `llama.block_count`, ...). */
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Total bytes of the file or files. */
  readonly bytes: number;
  dispose(): void;
}
