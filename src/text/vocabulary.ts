// A GGUF file's token list, checked: texts, scores, kinds, and the ids with a meaning. Not the tokenizer; nothing here
// splits text.

import { FennecError } from "../errors";
import type { MetadataValue } from "../files/weights_file";
import { endOfTurnId, specialIds } from "./special_ids";

export type Metadata = ReadonlyMap<string, MetadataValue>;

/** Values of `tokenizer.ggml.token_type`. Source: `llama_token_type` in llama.cpp's llama.h. */
export const TokenKind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Vocabulary {
  /** Value of `tokenizer.ggml.model`. */
  readonly model: string;
  /** Value of `tokenizer.ggml.pre`. */
  readonly pre: string | undefined;
  readonly tokens: readonly string[];
  /** {@link TokenKind} of each token. Tokens that end generation count as control, whatever the file says. */
  readonly kinds: Uint8Array;
  readonly scores: Float32Array | undefined;
  readonly merges: readonly string[] | undefined;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly eotId: number | undefined;
  readonly unknownId: number | undefined;
  /** Ids that end a reply. */
  readonly stopIds: ReadonlySet<number>;
}

/** More tokens than any model has (the largest known lists have 262,144); a larger list is not a tokenizer. */
export const MAX_TOKENS = 4_194_304;

/** Longest token, UTF-16 units. The longest known are runs of 128 to 512 spaces. */
export const MAX_TOKEN_LENGTH = 4096;

const NO_TOKENIZER = new Set(["none", "no_vocab", "test"]);

/** Whether the file says that it has a tokenizer; it may still be one that this version cannot run. */
export function hasTokenizer(metadata: Metadata): boolean {
  const model = metadata.get("tokenizer.ggml.model");
  return model !== undefined && !NO_TOKENIZER.has(String(model)) && metadata.has("tokenizer.ggml.tokens");
}

/**
 * @throws FennecError `tokenizer-missing` when the file has no token list, `metadata-type` when a key has another type
 *   or length than a tokenizer needs.
 */
export function readVocabulary(metadata: Metadata): Vocabulary {
  if (!hasTokenizer(metadata)) {
    throw new FennecError(
      "tokenizer-missing",
      `The model file has no tokenizer (tokenizer.ggml.model is ${describe(metadata.get("tokenizer.ggml.model"))}), ` +
        "so text cannot be turned into tokens or back. Use token ids, or a file converted with its tokenizer.",
    );
  }
  const tokens = strings(metadata, "tokenizer.ggml.tokens") ?? [];
  checkTokens(tokens);
  const special = specialIds(metadata, tokens);
  return {
    model: String(metadata.get("tokenizer.ggml.model")),
    pre: text(metadata, "tokenizer.ggml.pre"),
    tokens,
    kinds: kindsOf(metadata, tokens.length, special.stopIds),
    scores: scoresOf(metadata, tokens.length),
    merges: strings(metadata, "tokenizer.ggml.merges"),
    ...special,
    eotId: endOfTurnId(metadata, tokens),
  };
}

/** A boolean key, or `fallback` when the file does not say. */
export function flag(metadata: Metadata, key: string, fallback: boolean): boolean {
  const value = metadata.get(key);
  if (value === undefined) return fallback;
  if (typeof value !== "boolean") throw wrongType(key, "true or false", value);
  return value;
}

function text(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key);
  if (value !== undefined && typeof value !== "string") throw wrongType(key, "text", value);
  return value;
}

function strings(metadata: Metadata, key: string): readonly string[] | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw wrongType(key, "a list of texts", value);
  }
  return value;
}

function checkTokens(tokens: readonly string[]): void {
  if (tokens.length === 0 || tokens.length > MAX_TOKENS) {
    throw new FennecError(
      "metadata-type",
      `tokenizer.ggml.tokens has ${tokens.length} entries; a vocabulary has 1 to ${MAX_TOKENS}.`,
    );
  }
  const long = tokens.findIndex((token) => token.length > MAX_TOKEN_LENGTH);
  if (long >= 0) {
    throw new FennecError(
      "metadata-type",
      `tokenizer.ggml.tokens[${long}] has ${tokens[long]!.length} characters; at most ${MAX_TOKEN_LENGTH} are allowed.`,
    );
  }
}

function kindsOf(metadata: Metadata, length: number, stopIds: ReadonlySet<number>): Uint8Array {
  const kinds = new Uint8Array(length).fill(TokenKind.normal);
  const given = numbers(metadata, "tokenizer.ggml.token_type", length);
  if (given) for (let id = 0; id < length; id++) kinds[id] = given[id]!;
  for (const id of stopIds) if (id < length) kinds[id] = TokenKind.control;
  return kinds;
}

function scoresOf(metadata: Metadata, length: number): Float32Array | undefined {
  const given = numbers(metadata, "tokenizer.ggml.scores", length);
  return given && Float32Array.from(given);
}

function numbers(metadata: Metadata, key: string, length: number): ArrayLike<number> | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  const ok = ArrayBuffer.isView(value) || (Array.isArray(value) && value.every((item) => typeof item === "number"));
  if (!ok) throw wrongType(key, "a list of numbers", value);
  const list = value as ArrayLike<number>;
  if (list.length < length) {
    throw new FennecError(
      "metadata-type",
      `${key} has ${list.length} entries for ${length} tokens. The file is damaged or was converted wrongly.`,
    );
  }
  return list;
}

function wrongType(key: string, expected: string, value: MetadataValue): FennecError {
  return new FennecError("metadata-type", `${key} should be ${expected}; the file has ${describe(value)}.`);
}

function describe(value: MetadataValue | undefined): string {
  if (value === undefined) return "absent";
  if (typeof value === "object") return "a list";
  return typeof value === "string" ? JSON.stringify(value.slice(0, 60)) : `${typeof value} ${value}`;
}
