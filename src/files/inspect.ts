// What a model file says about itself, as a plain object for `fennec inspect` and pages: no weights are read, and
// nothing that is missing or odd makes it fail. What this version can run is told to it.

import type { MetadataValue, WeightsFile } from "./weights_file";

export interface Inspection {
  readonly file: string;
  readonly format: string;
  readonly bytes: number;
  readonly architecture?: string;
  readonly name?: string;
  readonly license?: string;
  /** Weights in all tensors. */
  readonly parameters: number;
  readonly tensors: number;
  /** Largest share of bytes first. */
  readonly types: readonly TypeShare[];
  readonly layers?: number;
  /** Width of the residual stream. */
  readonly dim?: number;
  /** Longest context the model was made for, tokens. */
  readonly contextTokens?: number;
  /** Rows of the token embedding: the ids that the model knows. */
  readonly vocab?: number;
  readonly tokenizer?: TokenizerSummary;
  readonly hasChatTemplate: boolean;
  readonly memory: MemoryEstimate;
  /** True when `problems` is empty. */
  readonly runs: boolean;
  /** Each thing that keeps this version from running the file, in words. */
  readonly problems: readonly string[];
}

export interface TypeShare {
  /** As ggml spells it. */
  readonly type: string;
  readonly tensors: number;
  readonly weights: number;
  readonly bytes: number;
  readonly supported: boolean;
}

export interface TokenizerSummary {
  /** `tokenizer.ggml.model`: `llama` (SentencePiece), `gpt2` (byte-level BPE), `bert`, ... */
  readonly kind: string;
  /** `tokenizer.ggml.pre`: which rules split the text before BPE. */
  readonly pre?: string;
  /** Length of the token list; may differ from `vocab`. */
  readonly tokens: number;
}

export interface MemoryEstimate {
  /** Tensor bytes, as they are on the GPU too. */
  readonly weightsBytes: number;
  /** Keys and values of one token in all layers with attention; an upper bound where layers have windows. */
  readonly kvBytesPerTokenF32?: number;
  readonly kvBytesPerTokenF16?: number;
}

export interface Supported {
  /** Values of `general.architecture`. */
  readonly architectures: ReadonlySet<string>;
  /** Weight types, as ggml spells them. */
  readonly types: ReadonlySet<string>;
}

export function inspectFile(file: WeightsFile, supported: Supported): Inspection {
  const architecture = text(file, "general.architecture");
  const own = (key: string) => file.metadata.get(`${architecture}.${key}`);
  const types = typeShares(file, supported.types);
  const problems = [...architectureProblems(architecture, supported), ...typeProblems(types, supported)];
  if (file.tensors.size === 0) problems.push("it holds no weights (a vocabulary only)");

  return withoutUndefined({
    file: file.name,
    format: file.format,
    bytes: file.bytes,
    architecture,
    name: text(file, "general.name"),
    license: text(file, "general.license.name") ?? text(file, "general.license"),
    parameters: types.reduce((sum, { weights }) => sum + weights, 0),
    tensors: file.tensors.size,
    types,
    layers: count(own("block_count")),
    dim: count(own("embedding_length")),
    contextTokens: count(own("context_length")),
    vocab: file.tensors.get("token_embd.weight")?.shape[0],
    tokenizer: tokenizerOf(file),
    hasChatTemplate: text(file, "tokenizer.chat_template") !== undefined,
    memory: memoryOf(types, own),
    runs: problems.length === 0,
    problems,
  });
}

function typeShares(file: WeightsFile, supported: ReadonlySet<string>): readonly TypeShare[] {
  const shares = new Map<string, { tensors: number; weights: number; bytes: number }>();
  for (const { type, shape, bytes } of file.tensors.values()) {
    const share = shares.get(type) ?? { tensors: 0, weights: 0, bytes: 0 };
    share.tensors += 1;
    share.weights += shape.reduce((product, extent) => product * extent, 1);
    share.bytes += bytes;
    shares.set(type, share);
  }
  return [...shares]
    .map(([type, share]) => ({ type, ...share, supported: supported.has(type) }))
    .sort((a, b) => b.bytes - a.bytes);
}

function architectureProblems(architecture: string | undefined, { architectures }: Supported): string[] {
  if (architecture === undefined) return ["it does not name its architecture (general.architecture)"];
  if (architectures.has(architecture)) return [];
  return [`the architecture "${architecture}" is not supported (supported: ${[...architectures].join(", ")})`];
}

function typeProblems(types: readonly TypeShare[], supported: Supported): string[] {
  return types
    .filter((share) => !share.supported)
    .map(
      ({ type, tensors }) =>
        `${tensors} ${tensors === 1 ? "tensor has" : "tensors have"} the weight type ${type}, which is not supported ` +
        `(supported: ${[...supported.types].join(", ")})`,
    );
}

function tokenizerOf(file: WeightsFile): TokenizerSummary | undefined {
  const kind = text(file, "tokenizer.ggml.model");
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  if (kind === undefined) return undefined;
  const pre = text(file, "tokenizer.ggml.pre");
  return { kind, ...(pre === undefined ? {} : { pre }), tokens: typeof tokens === "object" ? tokens.length : 0 };
}

function memoryOf(types: readonly TypeShare[], own: (key: string) => MetadataValue | undefined): MemoryEstimate {
  const weightsBytes = types.reduce((sum, { bytes }) => sum + bytes, 0);
  const layers = count(own("block_count"));
  const dim = count(own("embedding_length"));
  const heads = perLayer(own("attention.head_count"), layers);
  const kvHeads = perLayer(own("attention.head_count_kv"), layers) ?? heads;
  const headDim = dim !== undefined && heads?.[0] ? dim / heads[0] : undefined;
  const keyDim = count(own("attention.key_length")) ?? headDim;
  const valueDim = count(own("attention.value_length")) ?? headDim;
  if (kvHeads === undefined || keyDim === undefined || valueDim === undefined) return { weightsBytes };
  const values = kvHeads.reduce((sum, n) => sum + n, 0) * (keyDim + valueDim);
  return { weightsBytes, kvBytesPerTokenF32: values * 4, kvBytesPerTokenF16: values * 2 };
}

/** More layers than any model has: a hostile count is not looped over. */
const MAX_LAYERS = 10_000;

function perLayer(value: MetadataValue | undefined, layers: number | undefined): readonly number[] | undefined {
  if (layers === undefined || layers > MAX_LAYERS) return undefined;
  if (typeof value === "object") return Array.from(value, (item) => count(item) ?? 0).slice(0, layers);
  const one = count(value);
  return one === undefined ? undefined : new Array<number>(layers).fill(one);
}

function text(file: WeightsFile, key: string): string | undefined {
  const value = file.metadata.get(key);
  return typeof value === "string" ? value : undefined;
}

function count(value: MetadataValue | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** JSON leaves undefined out; so does this, so that the object equals what comes back from JSON. */
function withoutUndefined<T extends object>(record: T): Defined<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Defined<T>;
}
