// Headers of model files without weights: what an architecture's config and table ask for, in odd sizes.

import { models } from "../../models/index";
import type { WeightSpec, WeightTree } from "../../models/model";
import type { ByteSource, MetadataValue, TensorInfo, WeightsFile } from "../../src/files/weights_file";
import { modelMetaOf } from "../../src/model/model_meta";

/** Distinct and mostly prime, so that no two axes can be mistaken for each other. */
export const ODD_SIZES = { layers: 7, dim: 37, hidden: 53, heads: 6, kvHeads: 3, headDim: 22, vocab: 101, context: 59 };

export interface HeaderChanges {
  /** By key after the architecture; undefined removes it. */
  readonly metadata?: Readonly<Record<string, MetadataValue | undefined>>;
  /** Tensors by name to change, add or (undefined) leave out. */
  readonly tensors?: Readonly<
    Record<string, { readonly shape?: readonly number[]; readonly type?: string } | undefined>
  >;
  /** Optional weights are there too. */
  readonly optional?: boolean;
}

/** A file header with {@link ODD_SIZES} whose tensors are those of the architecture's table. Reading it fails. */
export function headerOf(architecture: string, changes: HeaderChanges = {}): WeightsFile {
  const { layers, dim, hidden, heads, kvHeads, headDim, vocab, context } = ODD_SIZES;
  const keys: Record<string, MetadataValue | undefined> = {
    block_count: layers,
    embedding_length: dim,
    feed_forward_length: hidden,
    "attention.head_count": heads,
    "attention.head_count_kv": kvHeads,
    "attention.key_length": headDim,
    "attention.value_length": headDim,
    "attention.layer_norm_rms_epsilon": 1e-6,
    "attention.sliding_window": 13,
    context_length: context,
  };
  const metadata = metadataOf(architecture, keys);
  const file = (tensors: ReadonlyMap<string, TensorInfo>, all: Map<string, MetadataValue>): WeightsFile => ({
    format: "gguf",
    name: `${architecture}.gguf`,
    metadata: all,
    tensors,
    bytes: 0,
    dispose: () => {},
  });

  const tensors = new Map<string, TensorInfo>();
  const add = (name: string, shape: readonly number[], type = "F32") =>
    tensors.set(name, { name, type, shape, offset: 0, bytes: 0, source: unreadable });
  add("token_embd.weight", [vocab, dim]);
  const model = models.get(architecture);
  if (model) {
    const config = model.config(modelMetaOf(file(tensors, metadata)));
    for (const spec of specsOf(model.weights(config))) {
      if (spec.fallback || (spec.optional && !changes.optional)) continue;
      add(spec.name, spec.shape);
    }
  }
  for (const [name, change] of Object.entries(changes.tensors ?? {})) {
    if (change) add(name, change.shape ?? tensors.get(name)?.shape ?? [], change.type);
    else tensors.delete(name);
  }
  return file(tensors, metadataOf(architecture, { ...keys, ...changes.metadata }));
}

/** Every weight of a table, flat. */
export function specsOf(tree: WeightTree): readonly WeightSpec[] {
  if (tree === undefined) return [];
  if ("name" in tree && "shape" in tree) return [tree as WeightSpec];
  return Object.values(tree).flatMap((branch: WeightTree) => specsOf(branch));
}

function metadataOf(architecture: string, keys: Readonly<Record<string, MetadataValue | undefined>>) {
  const metadata = new Map<string, MetadataValue>([["general.architecture", architecture]]);
  for (const [key, value] of Object.entries(keys)) {
    if (value !== undefined) metadata.set(`${architecture}.${key}`, value);
  }
  return metadata;
}

const unreadable: ByteSource = {
  name: "no bytes",
  size: 0,
  identity: "",
  read: () => Promise.reject(new Error("a header has no weights to read")),
  stream: () => {
    throw new Error("a header has no weights to read");
  },
  dispose: () => {},
};
