// Typed access to a file's metadata, for model definitions: each getter checks type and range and says which key of
// which file is wrong.

import { FennecError } from "../errors";
import { describeValue, quoted } from "./quoted";
import type { MetadataValue, WeightsFile } from "./weights_file";

/** Getters without a default throw `metadata-missing`; a value of another type is `metadata-type`. */
export interface Meta {
  readonly architecture: string;
  has(key: string): boolean;
  /** A whole number in `[0, 2^53)`. */
  int(key: string, fallback?: number): number;
  float(key: string, fallback?: number): number;
  bool(key: string, fallback?: boolean): boolean;
  string(key: string, fallback?: string): string;
  /** Per-layer values: an array of `length`, or one number repeated. Booleans count as 0 and 1. */
  ints(key: string, length: number, fallback?: number): readonly number[];
  /** Rows (slow axis) of a tensor that the file must have. */
  rows(tensor: string): number;
  hasTensor(tensor: string): boolean;
}

/** @throws FennecError `metadata-missing` when the file does not name its architecture. */
export function metaOf(file: WeightsFile): Meta {
  function get<T>(key: string, fallback: T | undefined, expected: string, as: (v: MetadataValue) => T | undefined): T {
    const value = file.metadata.get(key);
    if (value === undefined) {
      if (fallback !== undefined) return fallback;
      throw missing(file.name, key, expected);
    }
    const converted = as(value);
    if (converted === undefined) throw wrongType(file.name, key, value, expected);
    return converted;
  }

  const meta = {
    has: (key: string) => file.metadata.has(key),
    int: (key: string, fallback?: number) => get(key, fallback, "a whole number from 0 on", asInt),
    float: (key: string, fallback?: number) => get(key, fallback, "a finite number", asFloat),
    bool: (key: string, fallback?: boolean) =>
      get(key, fallback, "true or false", (v) => (typeof v === "boolean" ? v : undefined)),
    string: (key: string, fallback?: string) =>
      get(key, fallback, "a string", (v) => (typeof v === "string" ? v : undefined)),
    ints: (key: string, length: number, fallback?: number) =>
      get(
        key,
        fallback === undefined ? undefined : new Array<number>(length).fill(fallback),
        `a whole number, or an array of ${length}`,
        (v) => asInts(v, length),
      ),
    rows(name: string): number {
      const tensor = file.tensors.get(name);
      if (tensor) return tensor.shape[0]!;
      throw new FennecError(
        "tensor-missing",
        `${file.name}: has no tensor ${quoted(name)}. The file holds only a part of a model, or a model of another kind.`,
      );
    },
    hasTensor: (name: string) => file.tensors.has(name),
  };
  return { ...meta, architecture: meta.string("general.architecture") };
}

function asInt(value: MetadataValue): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function asFloat(value: MetadataValue): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function asInts(value: MetadataValue, length: number): readonly number[] | undefined {
  const one = asInt(value);
  if (one !== undefined) return new Array<number>(length).fill(one);
  if (typeof value !== "object" || value.length !== length) return undefined;
  const numbers: number[] = [];
  for (const item of value) {
    const number = typeof item === "boolean" ? Number(item) : asInt(item);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  return numbers;
}

function missing(file: string, key: string, expected: string): FennecError {
  return new FennecError(
    "metadata-missing",
    `${file}: has no metadata ${quoted(key)} (${expected}). ` +
      `The file was written by a converter that does not follow GGUF's conventions, or for another architecture.`,
  );
}

function wrongType(file: string, key: string, value: MetadataValue, expected: string): FennecError {
  return new FennecError(
    "metadata-type",
    `${file}: metadata ${quoted(key)} is ${describeValue(value)}; expected ${expected}.`,
  );
}
