// What an architecture is: how to read its sizes from a file's metadata, which weights it needs with which shapes, and
// a straight-line `forward`. A model file never sees a kernel, a buffer or a device.

import type { FennecError } from "../src/errors";
import type { Meta as FileMeta } from "../src/files/meta";
import type { GraphBuilder, Value, WeightRef } from "../src/graph/graph";

/** A file's metadata for a model's config. Made by `src/model/model_meta.ts`, which also limits the sizes. */
export interface Meta extends FileMeta {
  /**
   * Which layers have a window: an array of flags, or a period n (each nth layer has none), `period` when absent.
   * Source: llama.cpp, `llama_hparams::set_swa_pattern`.
   */
  windowed(key: string, layers: number, period: number): readonly boolean[];
  /** Refuses the file when it has this key with another value (`file-unsupported`). */
  only(key: string, value: number): void;
  /** The error for a value that this version cannot run. */
  unsupported(key: string, got: string, supported: string): FennecError;
}

/** A weight in a model's table: name, shape, and what stands in when the file has none (tied embeddings). */
export interface WeightSpec extends WeightRef {
  readonly fallback?: WeightSpec;
  /** May be absent from the file (biases); `forward` then gets undefined. */
  readonly optional?: boolean;
}

export function weight(name: string, shape: readonly number[], fallback?: WeightSpec): WeightSpec {
  return fallback ? { name, shape, fallback } : { name, shape };
}

export function optionalWeight(name: string, shape: readonly number[]): WeightSpec & { readonly optional: true } {
  return { name, shape, optional: true };
}

/** Any tree of weights; `forward` gets the same tree with each weight found in the file. */
export type WeightTree = WeightSpec | undefined | readonly WeightTree[] | { readonly [key: string]: WeightTree };

export type Loaded<T> = T extends { readonly optional: true }
  ? WeightRef | undefined
  : T extends WeightSpec
    ? WeightRef
    : T extends readonly (infer Item)[]
      ? readonly Loaded<Item>[]
      : T extends object
        ? { readonly [K in keyof T]: Loaded<T[K]> }
        : T;

/** What every config says, for the engine. Models add their own fields. */
export interface BaseConfig {
  readonly layers: number;
  readonly dim: number;
  readonly vocab: number;
  /** Longest context the model was made for, tokens. */
  readonly context: number;
}

export interface ModelDefinition<C extends BaseConfig, W> {
  /** Values of `general.architecture` that this definition reads. */
  readonly architecture: string;
  readonly config: (meta: Meta) => C;
  readonly weights: (config: C) => W;
  /** Records one step; ends in `g.linear(... g.outputRows(x) ...)`: logits `[outputs, vocab]`. */
  readonly forward: (g: GraphBuilder, config: C, weights: Loaded<W>) => Value;
}

/** A definition with its types erased, for the table of architectures. */
export interface Model {
  readonly architecture: string;
  readonly config: (meta: Meta) => BaseConfig;
  readonly weights: (config: BaseConfig) => WeightTree;
  readonly forward: (g: GraphBuilder, config: BaseConfig, weights: unknown) => Value;
}

export function defineModel<C extends BaseConfig, const W>(definition: ModelDefinition<C, W>): Model {
  return definition as unknown as Model;
}
