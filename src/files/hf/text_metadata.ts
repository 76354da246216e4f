// What a Hugging Face folder says about text, as GGUF metadata: the token list and kinds, ids with a meaning, the chat
// template, recommended sampling. tokenizer.json itself goes along whole (`tokenizer.huggingface.json`): src/text runs it.
//
// Source of the keys: the GGUF specification (ggml, docs/gguf.md) and llama.cpp, gguf-py, constants.py.

import { FennecError } from "../../errors";
import {
  field,
  isObject,
  type Json,
  type JsonObject,
  objectField,
  parseJsonObject,
  readJsonObject,
  readText,
} from "../json";
import { quoted } from "../quoted";
import type { MetadataValue } from "../weights_file";
import type { ModelFolder } from "./folder";

/** `tokenizer.json`. Largest known: 33 MB (Gemma 3). */
const MAX_TOKENIZER_BYTES = 128 << 20;
/** `tokenizer_config.json`. Largest known: 1.2 MB (Gemma 3, which lists 6,414 added tokens). */
const MAX_SETTINGS_BYTES = 16 << 20;
/** `chat_template.jinja`. The template reader has its own, smaller limit. */
const MAX_TEMPLATE_BYTES = 4 << 20;

/** `tokenizer.ggml.model` of a folder with tokenizer.json. */
export const HUGGING_FACE = "huggingface";

/** Values of `tokenizer.ggml.token_type`. Source: `llama_token_type` in llama.cpp's llama.h. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const BYTE = 6;

/** Keys of ids that end a reply, beside `eos`. */
const MORE_ENDS = ["eot", "eom", "fim_pad", "fim_rep", "fim_sep"] as const;

/** @throws FennecError `file-corrupt`, and of the files when they cannot be read. A missing file is no error. */
export async function textMetadata(
  folder: ModelFolder,
  config: JsonObject,
  signal?: AbortSignal,
): Promise<Map<string, MetadataValue>> {
  const settings = (await optionalJson(folder, "tokenizer_config.json", signal)) ?? {};
  const generation = (await optionalJson(folder, "generation_config.json", signal)) ?? {};
  const metadata = new Map<string, MetadataValue>();
  const file = await optionalText(folder, "tokenizer.json", MAX_TOKENIZER_BYTES, signal);
  const tokens = file ? addTokenizer(metadata, file.name, file.text) : [];
  addIds(metadata, tokens, settings, generation, config);
  await addTemplate(folder, metadata, settings, signal);
  addSampling(metadata, generation);
  return metadata;
}

/** The keys of a tokenizer.json and a tokenizer_config.json alone. @throws FennecError `file-corrupt`. */
export function tokenizerMetadata(name: string, text: string, settings: JsonObject): Map<string, MetadataValue> {
  const metadata = new Map<string, MetadataValue>();
  addIds(metadata, addTokenizer(metadata, name, text), settings, {}, {});
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

function addTokenizer(metadata: Map<string, MetadataValue>, name: string, text: string): readonly string[] {
  const { tokens, kinds } = tokenList(name, parseJsonObject(name, text));
  metadata.set("tokenizer.ggml.model", HUGGING_FACE);
  metadata.set("tokenizer.ggml.tokens", tokens);
  metadata.set("tokenizer.ggml.token_type", kinds);
  metadata.set("tokenizer.huggingface.json", text);
  return tokens;
}

function tokenList(name: string, root: JsonObject): { readonly tokens: readonly string[]; readonly kinds: Int32Array } {
  const model = objectField(root, "model");
  const vocab = model && field(model, "vocab");
  const entries: [string, Json | undefined][] = Array.isArray(vocab)
    ? vocab.map((piece: Json, id) => [Array.isArray(piece) ? String(piece[0]) : "", id])
    : isObject(vocab)
      ? Object.entries(vocab)
      : [];
  const added = field(root, "added_tokens");
  const extra = (Array.isArray(added) ? (added as readonly Json[]) : []).filter(isObject);
  // Lists have few holes: an id far beyond their number would only cost memory.
  const end = 2 * (entries.length + extra.length) + 4_096;
  const tokens: string[] = [];
  const kinds = new Int32Array(end);
  const put = (token: string, id: Json | undefined, kind: number) => {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= end) {
      throw new FennecError("file-corrupt", `${name}: token ${quoted(token)} has the id ${quoted(String(id))}.`);
    }
    while (tokens.length <= id) tokens.push("");
    tokens[id] = token;
    kinds[id] = kind;
  };
  const fallback = model && field(model, "byte_fallback") === true;
  for (const [token, id] of entries) put(token, id, fallback && /^<0x[0-9A-F]{2}>$/.test(token) ? BYTE : NORMAL);
  const unknown = model && field(model, "unk_token");
  for (const entry of extra) {
    const text = String(field(entry, "content") ?? "");
    put(
      text,
      field(entry, "id"),
      text === unknown ? UNKNOWN : field(entry, "special") === true ? CONTROL : USER_DEFINED,
    );
  }
  return { tokens, kinds: kinds.subarray(0, tokens.length) };
}

function addIds(
  metadata: Map<string, MetadataValue>,
  tokens: readonly string[],
  settings: JsonObject,
  generation: JsonObject,
  config: JsonObject,
): void {
  const named = (kind: string): number | undefined => {
    const token = field(settings, `${kind}_token`);
    const text = isObject(token) ? field(token, "content") : token;
    const id = typeof text === "string" ? tokens.lastIndexOf(text) : -1; // added tokens come last
    return id >= 0 ? id : undefined;
  };
  const given = (kind: string): number[] =>
    [generation, config].flatMap((object) => idsOf(field(object, `${kind}_token_id`)));
  const set = (kind: string, id: number | undefined) => {
    if (id !== undefined) metadata.set(`tokenizer.ggml.${kind}_token_id`, id);
  };
  set("bos", named("bos") ?? given("bos")[0]);
  set("unknown", named("unk"));
  set("padding", named("pad") ?? given("pad")[0]);
  const ends = new Set([named("eos"), ...given("eos")].filter((id) => id !== undefined));
  const [eos, ...more] = ends;
  set("eos", eos);
  MORE_ENDS.forEach((kind, i) => {
    set(kind, more[i]);
  });
  for (const kind of ["bos", "eos"]) {
    const adds = field(settings, `add_${kind}_token`);
    if (typeof adds === "boolean") metadata.set(`tokenizer.ggml.add_${kind}_token`, adds);
  }
}

function idsOf(value: Json | undefined): number[] {
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value];
  return list.filter((id): id is number => typeof id === "number" && Number.isSafeInteger(id) && id >= 0).slice(0, 16);
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
