// What a Hugging Face folder says about text, as GGUF metadata: the tokenizer's keys (made in src/text), the chat template,
// recommended sampling.
//
// Source of the keys: the GGUF specification (ggml, docs/gguf.md) and llama.cpp, gguf-py, constants.py.

import { field, isObject, type Json, type JsonObject, readJsonObject, readText } from "../files/json";
import type { MetadataValue } from "../files/weights_file";
import { tokenizerMetadata } from "../text/hugging_face_metadata";
import type { ModelFolder } from "./folder";

/** `tokenizer.json`. Largest known: 33 MB (Gemma 3). */
const MAX_TOKENIZER_BYTES = 128 << 20;
/** `tokenizer_config.json`. Largest known: 1.2 MB (Gemma 3, which lists 6,414 added tokens). */
const MAX_SETTINGS_BYTES = 16 << 20;
/** `chat_template.jinja`. The template reader has its own, smaller limit. */
const MAX_TEMPLATE_BYTES = 4 << 20;

/** @throws FennecError `file-corrupt`, and of the files when they cannot be read. A missing file is no error. */
export async function textMetadata(
  folder: ModelFolder,
  config: JsonObject,
  signal?: AbortSignal,
): Promise<Map<string, MetadataValue>> {
  const settings = (await optionalJson(folder, "tokenizer_config.json", signal)) ?? {};
  const generation = (await optionalJson(folder, "generation_config.json", signal)) ?? {};
  const file = await optionalText(folder, "tokenizer.json", MAX_TOKENIZER_BYTES, signal);
  const metadata = tokenizerMetadata(file, settings, generation, config);
  await addTemplate(folder, metadata, settings, signal);
  addSampling(metadata, generation);
  return metadata;
}

async function optionalJson(folder: ModelFolder, name: string, signal?: AbortSignal): Promise<JsonObject | undefined> {
  const source = await folder.open(name, signal);
  if (!source) return undefined;
  try {
    return await readJsonObject(source, MAX_SETTINGS_BYTES, signal);
  } finally {
    source.dispose();
  }
}

async function optionalText(folder: ModelFolder, name: string, maxBytes: number, signal?: AbortSignal) {
  const source = await folder.open(name, signal);
  if (!source) return undefined;
  try {
    return { name: source.name, text: await readText(source, maxBytes, signal) };
  } finally {
    source.dispose();
  }
}

async function addTemplate(
  folder: ModelFolder,
  metadata: Map<string, MetadataValue>,
  settings: JsonObject,
  signal?: AbortSignal,
): Promise<void> {
  const own = field(settings, "chat_template");
  if (typeof own === "string") metadata.set("tokenizer.chat_template", own);
  for (const entry of Array.isArray(own) ? (own as readonly Json[]) : []) {
    const name = isObject(entry) ? field(entry, "name") : undefined;
    const template = isObject(entry) ? field(entry, "template") : undefined;
    if (typeof name !== "string" || typeof template !== "string") continue;
    metadata.set(name === "default" ? "tokenizer.chat_template" : `tokenizer.chat_template.${name}`, template);
  }
  // The file takes precedence in transformers too.
  const file = await optionalText(folder, "chat_template.jinja", MAX_TEMPLATE_BYTES, signal);
  if (file) metadata.set("tokenizer.chat_template", file.text);
}

const SAMPLING = [
  ["temperature", "temp"],
  ["top_k", "top_k"],
  ["top_p", "top_p"],
  ["min_p", "min_p"],
  ["repetition_penalty", "penalty_repeat"],
] as const;

/** Only of a model that is meant to sample: without `do_sample`, transformers takes the likeliest token. */
function addSampling(metadata: Map<string, MetadataValue>, generation: JsonObject): void {
  if (field(generation, "do_sample") !== true) return;
  for (const [from, to] of SAMPLING) {
    const value = field(generation, from);
    if (typeof value === "number" && Number.isFinite(value)) metadata.set(`general.sampling.${to}`, value);
  }
}
