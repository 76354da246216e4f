// A Hugging Face tokenizer.json, run by @huggingface/tokenizers as it is. Only the text between special tokens goes
// through it: finding those, and turning ids into bytes, is the tokenizer's own work (tokenizer.ts).

import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { FennecError } from "../errors";
import { field, isObject, type Json, type JsonObject, parseJsonObject } from "../files/json";
import { bytesOfByteLevel } from "./byte_level";
import { TokenKind, type Vocabulary } from "./vocabulary";

/** The file's tokenizer.json, as text: the GGUF specification's key for it. */
export const TOKENIZER_JSON = "tokenizer.huggingface.json";

const SPACE = "\u2581";

export interface HuggingFaceText {
  /** @param first The text begins where the whole text begins, so that a space in front may belong to it. */
  readonly encode: (text: string, first: boolean) => number[];
  readonly toBytes: (token: string) => Uint8Array<ArrayBuffer>;
  /** Whether the tokenizer's own post-processing begins with the BOS token. */
  readonly addBos: boolean;
  /** Whether text begins with a space that is the tokenizer's, which decoding takes away. */
  readonly addSpacePrefix: boolean;
}

/** @throws FennecError `tokenizer-unsupported` for a kind that this version does not run (WordPiece), `file-corrupt`. */
export function huggingFaceText(json: string, vocabulary: Vocabulary): HuggingFaceText {
  const root = parseJsonObject("tokenizer.json", json);
  const decoders = stepsOf(root, "decoder", "decoders");
  const byteLevel =
    hasType(decoders, "ByteLevel") || hasType(stepsOf(root, "pre_tokenizer", "pretokenizers"), "ByteLevel");
  const pieces = decoders.some((step) => ["Metaspace", "ByteFallback"].includes(typeOf(step)));
  if (!byteLevel && !pieces) {
    throw new FennecError(
      "tokenizer-unsupported",
      `tokenizer.json: its decoder is ${decoders.map(typeOf).join(", ") || "absent"}; this version runs ByteLevel, ` +
        "Metaspace and ByteFallback. Use token ids, or the model's GGUF file.",
    );
  }
  const whole = library(root, vocabulary);
  const inside = startsOnlyFirst(root) ? library(withoutPrefix(root), vocabulary) : whole;
  return {
    encode: (text, first) => (first ? whole : inside).encode(text, { add_special_tokens: false }).ids,
    toBytes: byteLevel ? bytesOfByteLevel : (piece) => new TextEncoder().encode(piece.replaceAll(SPACE, " ")),
    addBos: beginsWith(root, vocabulary.bosId === undefined ? undefined : vocabulary.tokens[vocabulary.bosId]),
    addSpacePrefix: !byteLevel && decoders.some(dropsSpace),
  };
}

function library(root: JsonObject, vocabulary: Vocabulary): LibraryTokenizer {
  const model = field(root, "model");
  const pre = isObject(root.pre_tokenizer) ? eachStep(root.pre_tokenizer, digitsAsSplit) : null;
  const own = isObject(model) ? { ...model, vocab: textVocabulary(field(model, "vocab"), vocabulary) } : model;
  try {
    return new LibraryTokenizer(
      { ...root, pre_tokenizer: pre, model: own, added_tokens: [], post_processor: null, decoder: null },
      {},
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "unknown";
    throw new FennecError("tokenizer-unsupported", `tokenizer.json: cannot be run: ${reason}`, { cause: error });
  }
}

/** Without the tokens that only the special splitter may produce: text of users must not form them. */
function textVocabulary(vocab: Json | undefined, { kinds, unknownId, tokens }: Vocabulary): Json {
  if (!isObject(vocab)) return vocab ?? {};
  const unknown = unknownId === undefined ? undefined : tokens[unknownId];
  const ids: Record<string, Json> = Object.create(null);
  for (const [token, id] of Object.entries(vocab)) {
    const kind = kinds[Number(id)];
    if (kind === TokenKind.control || kind === TokenKind.userDefined) continue;
    if (kind === TokenKind.unknown && token !== unknown) continue;
    ids[token] = id;
  }
  return ids;
}

/** A step, or the steps of a sequence of them. */
function stepsOf(root: JsonObject, key: string, inSequence: string): readonly JsonObject[] {
  const step = field(root, key);
  if (!isObject(step)) return [];
  const steps = field(step, inSequence);
  return Array.isArray(steps) ? (steps as readonly Json[]).filter(isObject) : [step];
}

function typeOf(step: JsonObject): string {
  return String(field(step, "type") ?? "");
}

function hasType(steps: readonly JsonObject[], type: string): boolean {
  return steps.some((step) => typeOf(step) === type);
}

/** The space goes before the first text only, not after each special token. */
function startsOnlyFirst(root: JsonObject): boolean {
  return stepsOf(root, "pre_tokenizer", "pretokenizers").some((step) => field(step, "prepend_scheme") === "first");
}

function withoutPrefix(root: JsonObject): JsonObject {
  const never = (step: JsonObject): JsonObject =>
    field(step, "prepend_scheme") === "first" ? { ...step, prepend_scheme: "never", add_prefix_space: false } : step;
  const pre = root.pre_tokenizer;
  return isObject(pre) ? { ...root, pre_tokenizer: eachStep(pre, never) } : root;
}

/** A pre-tokenizer with its steps, or itself, changed. */
function eachStep(pre: JsonObject, change: (step: JsonObject) => JsonObject): JsonObject {
  const steps = field(pre, "pretokenizers");
  if (!Array.isArray(steps)) return change(pre);
  return { ...pre, pretokenizers: (steps as readonly Json[]).map((step) => (isObject(step) ? change(step) : step)) };
}

/** All numeric characters, as in Hugging Face's own implementation (`char::is_numeric`); the library knows 0 to 9 only. */
function digitsAsSplit(step: JsonObject): JsonObject {
  if (typeOf(step) !== "Digits") return step;
  const Regex = field(step, "individual_digits") === true ? "\\p{N}" : "\\p{N}+";
  return { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
}

function dropsSpace(step: JsonObject): boolean {
  if (typeOf(step) === "Strip") return field(step, "content") === " " && Number(field(step, "start")) > 0;
  if (typeOf(step) !== "Metaspace") return false;
  return (field(step, "prepend_scheme") ?? "always") !== "never" && field(step, "add_prefix_space") !== false;
}

function beginsWith(root: JsonObject, token: string | undefined): boolean {
  const template = stepsOf(root, "post_processor", "processors").find((step) => typeOf(step) === "TemplateProcessing");
  const single = template && field(template, "single");
  const first = Array.isArray(single) ? (single as readonly Json[])[0] : undefined;
  const special = isObject(first) ? field(first, "SpecialToken") : undefined;
  return token !== undefined && isObject(special) && field(special, "id") === token;
}
