// config.json of a Hugging Face folder, field by field: types are checked, and what a model of ours cannot do is refused
// by the field's name.

import { FennecError } from "../errors";
import { field, isObject, type Json, type JsonObject } from "../files/json";
import { quoted } from "../files/quoted";

/** Getters without a fallback throw `metadata-missing`; a value of another type is `metadata-type`. null is absent. */
export interface HfConfig {
  /** For messages: the file. */
  readonly name: string;
  readonly object: JsonObject;
  /** A whole number from 0 on. */
  count(key: string, fallback?: number): number;
  number(key: string, fallback?: number): number;
  flag(key: string, fallback: boolean): boolean;
  text(key: string, fallback: string): string;
  strings(key: string): readonly string[] | undefined;
  /** The part of the config under a key, undefined where there is none. */
  part(key: string): HfConfig | undefined;
  /** @throws FennecError `file-unsupported`. */
  refuse(key: string, got: string, supported: string): never;
}

/** @param path Keys that lead to the object, for messages. */
export function hfConfig(name: string, object: JsonObject, path = ""): HfConfig {
  function get<T>(key: string, expected: string, fallback: T | undefined, as: (value: Json) => T | undefined): T {
    const value = field(object, key);
    if (value === undefined || value === null) {
      if (fallback !== undefined) return fallback;
      throw new FennecError("metadata-missing", `${name}: has no "${path}${key}" (${expected}).`);
    }
    const found = as(value);
    if (found !== undefined) return found;
    const shown = typeof value === "object" ? "a list or an object" : quoted(String(value));
    throw new FennecError("metadata-type", `${name}: "${path}${key}" is ${shown}; expected ${expected}.`);
  }
  return {
    name,
    object,
    count: (key, fallback) =>
      get(key, "a whole number", fallback, (v) => (Number.isSafeInteger(v) && Number(v) >= 0 ? Number(v) : undefined)),
    number: (key, fallback) =>
      get(key, "a number", fallback, (v) => (typeof v === "number" && Number.isFinite(v) ? v : undefined)),
    flag: (key, fallback) => get(key, "true or false", fallback, (v) => (typeof v === "boolean" ? v : undefined)),
    text: (key, fallback) => get(key, "text", fallback, (v) => (typeof v === "string" ? v : undefined)),
    strings: (key) => {
      if ((field(object, key) ?? null) === null) return undefined;
      return get<readonly string[]>(key, "a list of texts", undefined, (v) =>
        Array.isArray(v) && v.every((item): item is string => typeof item === "string") ? v : undefined,
      );
    },
    part: (key) => {
      const value = field(object, key);
      return isObject(value) ? hfConfig(name, value, `${path}${key}.`) : undefined;
    },
    refuse: (key, got, supported) => {
      throw new FennecError(
        "file-unsupported",
        `${name}: "${path}${key}": ${got} is not supported; this version supports ${supported}. ` +
          "Try another model of this family, or its GGUF file.",
      );
    },
  };
}

/** Elements of an attention head: said, or the model's width shared out. */
export function headDim(config: HfConfig): number {
  return config.count("head_dim", config.count("hidden_size") / config.count("num_attention_heads"));
}
