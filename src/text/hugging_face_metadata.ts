// What a Hugging Face tokenizer says, as GGUF metadata: the token list and kinds, ids with a meaning. tokenizer.json itself
// goes along whole (`tokenizer.huggingface.json`): hugging_face.ts runs it.
//
// Source of the keys: the GGUF specification (ggml, docs/gguf.md) and llama.cpp, gguf-py, constants.py.

import { FennecError } from "../errors";
import { field, isObject, type Json, type JsonObject, objectField, parseJsonObject } from "../files/json";
import { quoted } from "../files/quoted";
import type { MetadataValue } from "../files/weights_file";

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

/**
 * @param file tokenizer.json, where there is one: its name for messages, and its text.
 * @param settings tokenizer_config.json.
 * @param generation generation_config.json.
 * @param config config.json.
 * @throws FennecError `file-corrupt`.
 */
export function tokenizerMetadata(
  file: { readonly name: string; readonly text: string } | undefined,
  settings: JsonObject,
  generation: JsonObject = {},
  config: JsonObject = {},
): Map<string, MetadataValue> {
  const metadata = new Map<string, MetadataValue>();
  const tokens = file ? addTokenizer(metadata, file.name, file.text) : [];
  addIds(metadata, tokens, settings, generation, config);
  return metadata;
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
