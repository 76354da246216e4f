// A Hugging Face folder as a WeightsFile with GGUF's keys and names, so that models and backends need not know where a
// model came from.

import { FennecError } from "../errors";
import { readJsonObject } from "../files/json";
import { quoted } from "../files/quoted";
import type { MetadataValue, WeightsFile } from "../files/weights_file";
import { hfArchitectures, sharedMetadata } from "./architectures";
import { type HfConfig, hfConfig } from "./config";
import type { ModelFolder } from "./folder";
import { packedWeights } from "./packed/index";
import type { Quantization } from "./quantize";
import { openShards } from "./shards";
import { ggufTensors } from "./tensors";
import { textMetadata } from "./text_metadata";

export interface FolderOptions {
  /** Quantize float matrices while they are read. */
  readonly quantize?: Quantization | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `config.json`. Largest known: 60 KB (label lists). */
const MAX_CONFIG_BYTES = 4 << 20;

/**
 * @throws FennecError `source-unreadable` when a file is missing, `file-unsupported` (architecture, option, dtype,
 *   quantization), `file-corrupt`, `file-truncated`, `metadata-missing`, `metadata-type`, `tensor-missing`,
 *   `tensor-shape`, `aborted`. Nothing is left open then.
 */
export async function openHuggingFace(
  folder: ModelFolder,
  { quantize, signal }: FolderOptions = {},
): Promise<WeightsFile> {
  const outer = await readConfig(folder, signal);
  const inner = outer.part("text_config") ?? outer;
  const type = inner.text("model_type", outer.text("model_type", ""));
  const architecture = hfArchitectures.get(type);
  if (!architecture) {
    throw new FennecError(
      "file-unsupported",
      `${outer.name}: the architecture ${quoted(type)} (model_type) is not supported from a Hugging Face folder; ` +
        `this version reads ${[...hfArchitectures.keys()].join(", ")}. Try the model's GGUF file.`,
    );
  }
  const activation = inner.text("hidden_activation", inner.text("hidden_act", architecture.activations[0]!));
  if (!architecture.activations.includes(activation)) {
    inner.refuse("hidden_act", quoted(activation), architecture.activations.join(", "));
  }
  const metadata = new Map<string, MetadataValue>([
    ["general.architecture", architecture.architecture],
    ["general.name", folder.name],
  ]);
  for (const [key, value] of Object.entries({ ...sharedMetadata(inner), ...architecture.metadata(inner) })) {
    if (value !== undefined) metadata.set(`${architecture.architecture}.${key}`, value);
  }
  for (const [key, value] of await textMetadata(folder, outer.object, signal)) metadata.set(key, value);

  const packed = packedWeights(inner) ?? packedWeights(outer);
  const shards = await openShards(folder, signal);
  try {
    return {
      format: "safetensors",
      name: folder.name,
      metadata,
      tensors: ggufTensors(shards.tensors, { name: folder.name, config: inner, architecture, packed, quantize }),
      bytes: shards.bytes,
      dispose: () => shards.dispose(),
    };
  } catch (error) {
    shards.dispose();
    throw error;
  }
}

async function readConfig(folder: ModelFolder, signal: AbortSignal | undefined): Promise<HfConfig> {
  const source = await folder.open("config.json", signal);
  if (!source) {
    throw new FennecError(
      "source-unreadable",
      `${folder.name}: has no config.json. Choose a Hugging Face folder, or a GGUF file.`,
    );
  }
  try {
    return hfConfig(source.name, await readJsonObject(source, MAX_CONFIG_BYTES, signal));
  } finally {
    source.dispose();
  }
}
