// Typed, limited access to a file's metadata for the model files. Files come from strangers: a size is checked against
// its limit here, before anything is allocated from it.

import type { Meta } from "../../models/model";
import { FennecError } from "../errors";
import type { MetadataValue, WeightsFile } from "../files/weights_file";

/**
 * Limits of sizes, by the key's end (after the architecture), inclusive. Generous multiples of the largest published
 * models; their purpose is that a count from a hostile file cannot allocate or loop for long.
 */
const LIMITS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  block_count: [1, 1000], // Llama 3.1 405B has 126
  embedding_length: [1, 1 << 17],
  feed_forward_length: [1, 1 << 20],
  context_length: [1, 1 << 28],
  "attention.head_count": [1, 1 << 12],
  "attention.head_count_kv": [1, 1 << 12],
  "attention.key_length": [1, 1 << 12],
  "attention.value_length": [1, 1 << 12],
  "attention.layer_norm_rms_epsilon": [0, 1],
  "attention.scale": [1e-6, 1e3],
  "attention.sliding_window": [1, 1 << 28],
  "rope.dimension_count": [2, 1 << 12],
  "rope.freq_base": [1, 1e12],
  "rope.freq_base_swa": [1, 1e12],
  "rope.scale_linear": [0, 1e6],
  "rope.scaling.factor": [0, 1e6],
  final_logit_softcapping: [0, 1e6],
};

/** @throws FennecError `metadata-missing`, `metadata-type` when the file does not name its architecture. */
export function readMeta(file: WeightsFile): Meta {
  const architecture = text(file, "general.architecture", file.metadata.get("general.architecture"));

  function get<T>(key: string, fallback: T | undefined, read: (value: MetadataValue) => T): T {
    const value = file.metadata.get(key);
    if (value !== undefined) return read(value);
    if (fallback !== undefined) return fallback;
    throw missing(file, key);
  }

  function limited(key: string, value: number): number {
    const limits = key.startsWith(`${architecture}.`) ? LIMITS[key.slice(architecture.length + 1)] : undefined;
    if (limits && !(value >= limits[0] && value <= limits[1]))
      throw new FennecError(
        "file-corrupt",
        `${file.name}: metadata "${key}" is ${value}; it must lie in [${limits[0]}, ${limits[1]}]. ` +
          "The file is damaged or not a language model.",
      );
    return value;
  }

  const meta: Meta = {
    architecture,
    has: (key) => file.metadata.has(key),
    int: (key, fallback) =>
      limited(
        key,
        whole(
          file,
          key,
          get(key, fallback, (v) => number(file, key, v)),
        ),
      ),
    float: (key, fallback) =>
      limited(
        key,
        get(key, fallback, (v) => number(file, key, v)),
      ),
    bool: (key, fallback) => get(key, fallback, (v) => flag(file, key, v)),
    string: (key, fallback) => get(key, fallback, (v) => text(file, key, v)),

    ints(key, length, fallback) {
      const value = get<MetadataValue>(key, fallback, (v) => v);
      if (!isArray(value)) return Array.from({ length }, () => meta.int(key, fallback));
      return items(file, key, value, length).map((v) => limited(key, whole(file, key, number(file, key, v))));
    },

    windowed(key, layers, period) {
      const value = get<MetadataValue>(key, period, (v) => v);
      if (isArray(value)) return items(file, key, value, layers).map((v) => Boolean(v));
      const every = whole(file, key, number(file, key, value));
      return Array.from({ length: layers }, (_, layer) => every === 0 || layer % every < every - 1);
    },

    only(key, value) {
      const got = meta.float(key, value);
      if (got !== value) throw meta.unsupported(key, String(got), String(value));
    },

    unsupported: (key, got, supported) =>
      new FennecError(
        "file-unsupported",
        `${file.name}: metadata "${key}": ${got} is not supported for architecture "${architecture}"; ` +
          `this version supports ${supported}. Try another model of this family, or a newer version.`,
      ),

    rows(tensor) {
      const info = file.tensors.get(tensor);
      const rows = info?.shape[0];
      if (rows === undefined)
        throw new FennecError(
          "tensor-missing",
          `${file.name}: tensor "${tensor}" is missing; architecture "${architecture}" needs it. ` +
            "The file may be a part of a split model, an adapter, or vocabulary only.",
        );
      return rows;
    },

    hasTensor: (tensor) => file.tensors.has(tensor),
  };
  return meta;
}

function number(file: WeightsFile, key: string, value: MetadataValue): number {
  const got = typeof value === "bigint" ? Number(value) : value;
  if (typeof got !== "number" || !Number.isFinite(got)) throw wrongType(file, key, value, "a finite number");
  return got;
}

function whole(file: WeightsFile, key: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw wrongType(file, key, value, "a whole number");
  return value;
}

function flag(file: WeightsFile, key: string, value: MetadataValue): boolean {
  if (typeof value !== "boolean") throw wrongType(file, key, value, "true or false");
  return value;
}

function text(file: WeightsFile, key: string, value: MetadataValue | undefined): string {
  if (value === undefined) throw missing(file, key);
  if (typeof value !== "string") throw wrongType(file, key, value, "a string");
  return value;
}

type ArrayValue = Exclude<MetadataValue, string | number | bigint | boolean>;

function isArray(value: MetadataValue): value is ArrayValue {
  return typeof value === "object";
}

function items(file: WeightsFile, key: string, value: ArrayValue, length: number): readonly MetadataValue[] {
  if (value.length < length) throw wrongType(file, key, value, `an array of ${length}, one per layer`);
  return Array.from<MetadataValue>(value).slice(0, length);
}

function missing(file: WeightsFile, key: string): FennecError {
  return new FennecError(
    "metadata-missing",
    `${file.name}: metadata "${key}" is missing; the architecture cannot be read without it. ` +
      "The file may be damaged, or written for another program.",
  );
}

function wrongType(file: WeightsFile, key: string, value: MetadataValue, expected: string): FennecError {
  const got = isArray(value) ? `an array of ${value.length}` : `${typeof value} ${String(value).slice(0, 60)}`;
  return new FennecError("metadata-type", `${file.name}: metadata "${key}" is ${got}; expected ${expected}.`);
}
