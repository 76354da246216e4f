// Text to token ids and back, from a model file's metadata. What lies under it: vocabulary.ts reads the file's lists,
// special_splitter.ts finds special tokens, byte_level_bpe.ts and sentence_piece.ts turn the text between into ids.
//
// Follows llama.cpp where it and Hugging Face differ (no Unicode normalization; a space before the text after each
// special token in SentencePiece vocabularies), because that is how people have used these files.

import { FennecError } from "../errors";
import type { JsonObject } from "../files/json";
import { bytesOfByteLevel } from "./byte_level";
import { byteLevelBpe } from "./byte_level_bpe";
import { createDetokenizer, type TokenBytes } from "./detokenizer";
import { huggingFaceText, TOKENIZER_JSON } from "./hugging_face";
import { HUGGING_FACE, tokenizerMetadata } from "./hugging_face_metadata";
import { SPACE, sentencePiece } from "./sentence_piece";
import { type SpecialSplitter, specialSplitter } from "./special_splitter";
import { flag, type Metadata, readVocabulary, TokenKind, type Vocabulary } from "./vocabulary";

export interface EncodeOptions {
  /** Whether special tokens spelled in the text (`<|im_end|>`) become those tokens. For rendered templates, never for text of users. */
  readonly special?: boolean;
  /** Put the BOS token first where the file says so ({@link Tokenizer.addBos}), unless the text already starts with it. */
  readonly bos?: boolean;
  /** Put the EOS token last where the file says so ({@link Tokenizer.addEos}). */
  readonly eos?: boolean;
}

export interface DecodeOptions {
  /** Leave out control tokens; default false. */
  readonly skipSpecial?: boolean;
}

export interface Tokenizer extends TokenBytes {
  /** Value of `tokenizer.ggml.model`: `gpt2` (byte-level BPE), `llama` (SentencePiece) or `huggingface` (tokenizer.json). */
  readonly model: string;
  /** Entries of the token list. The model's own vocabulary may be larger (padding). */
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** End of a turn in a conversation, where the vocabulary has one. */
  readonly eotId: number | undefined;
  /** All ids that end a reply. */
  readonly stopIds: ReadonlySet<number>;
  readonly addBos: boolean;
  readonly addEos: boolean;

  /** Token ids of `text`. Without options: of the text alone, special tokens taken as plain text. Never throws. */
  encode(text: string, options?: EncodeOptions): number[];

  /**
   * Text of `ids` from the start of a text. Bytes that are no UTF-8 become U+FFFD; ids past the token list are nothing.
   * @throws FennecError `invalid-argument` for an id that is not a whole number of at least 0.
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;

  /** The token as the file's list spells it; undefined past the list. */
  tokenText(id: number): string | undefined;
}

/**
 * @throws FennecError `tokenizer-missing` when the file has none (or one of the types that cannot be used), `tokenizer-unsupported`
 *   naming the model or pre-tokenizer that this version does not run, `metadata-type` when a list is damaged. A caller that
 *   only needs ids does not call this; see {@link lazyTokenizer}.
 */
export function tokenizerFromMetadata(metadata: Metadata): Tokenizer {
  const vocabulary = readVocabulary(metadata);
  switch (vocabulary.model) {
    case "gpt2": {
      const { encode, pre } = byteLevelBpe(vocabulary);
      return makeTokenizer(metadata, vocabulary, {
        encode,
        toBytes: bytesOfByteLevel,
        addBos: pre.addBos,
        addSpacePrefix: false,
      });
    }
    case "llama":
      return makeTokenizer(metadata, vocabulary, {
        encode: sentencePiece(vocabulary),
        toBytes: (piece) => utf8(piece.replaceAll(SPACE, " ")),
        addBos: true,
        addSpacePrefix: flag(metadata, "tokenizer.ggml.add_space_prefix", true),
      });
    case HUGGING_FACE: {
      const text = huggingFaceText(String(metadata.get(TOKENIZER_JSON)), vocabulary);
      return makeTokenizer(metadata, vocabulary, { ...text, prefixed: true });
    }
    default:
      throw new FennecError(
        "tokenizer-unsupported",
        `The file's tokenizer (tokenizer.ggml.model) is "${vocabulary.model}"; this version runs "gpt2" (byte-level BPE) ` +
          `and "llama" (SentencePiece). Use token ids, or another conversion of the model.`,
      );
  }
}

/**
 * A Hugging Face tokenizer without a model.
 *
 * @param json Text of tokenizer.json.
 * @param settings tokenizer_config.json, where there is one: special tokens, and whether BOS is added.
 * @throws FennecError `file-corrupt`, `tokenizer-unsupported`.
 */
export function tokenizerFromHuggingFace(json: string, settings: JsonObject = {}): Tokenizer {
  return tokenizerFromMetadata(tokenizerMetadata({ name: "tokenizer.json", text: json }, settings));
}

/** The tokenizer, made at the first call and kept. A file whose tokenizer cannot be used throws at each call, not before. */
export function lazyTokenizer(metadata: Metadata): () => Tokenizer {
  let made: Tokenizer | undefined;
  return () => (made ??= tokenizerFromMetadata(metadata));
}

interface Kind {
  /** Ids of text in which no special token is left; `first` where the whole text begins. */
  readonly encode: (text: string, first: boolean) => number[];
  readonly toBytes: (token: string) => Uint8Array<ArrayBuffer>;
  readonly addBos: boolean;
  readonly addSpacePrefix: boolean;
  /** `encode` puts that space itself. */
  readonly prefixed?: boolean;
}

const encoder = new TextEncoder();
const utf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);
const NOTHING = new Uint8Array(0);

function makeTokenizer(metadata: Metadata, vocabulary: Vocabulary, kind: Kind): Tokenizer {
  const { tokens, kinds, bosId, eosId, eotId, stopIds } = vocabulary;
  const splitter = splitterOf(vocabulary);
  const bytes: (Uint8Array<ArrayBuffer> | undefined)[] = [];

  const tokenizer: Tokenizer = {
    model: vocabulary.model,
    vocabSize: tokens.length,
    bosId,
    eosId,
    eotId,
    stopIds,
    addBos: bosId !== undefined && flag(metadata, "tokenizer.ggml.add_bos_token", kind.addBos),
    addEos: eosId !== undefined && flag(metadata, "tokenizer.ggml.add_eos_token", false),
    addSpacePrefix: kind.addSpacePrefix,

    encode(text, options = {}) {
      const ids = encodeFragments(splitter.split(text, options.special ?? false), kind);
      if (options.bos && tokenizer.addBos && ids[0] !== bosId) ids.unshift(bosId!);
      if (options.eos && tokenizer.addEos) ids.push(eosId!);
      return ids;
    },

    decode(ids, options = {}) {
      const detokenizer = createDetokenizer(tokenizer, options);
      let text = "";
      for (const id of ids) text += detokenizer.push(id);
      return text + detokenizer.flush();
    },

    tokenToBytes(id) {
      if (!Number.isInteger(id) || id < 0) {
        throw new FennecError("invalid-argument", `A token id is a whole number of at least 0; got ${id}.`);
      }
      const token = tokens[id];
      if (token === undefined) return NOTHING;
      return (bytes[id] ??= bytesOf(token, kinds[id]!, kind));
    },

    tokenText: (id) => tokens[id],
    isSpecial: (id) => kinds[id] === TokenKind.control || kinds[id] === TokenKind.unknown,
    startsText: (id) => tokenizer.isSpecial(id) || kinds[id] === TokenKind.userDefined,
  };
  return tokenizer;
}

function splitterOf(vocabulary: Vocabulary): SpecialSplitter {
  const ofKind = (...wanted: readonly number[]): (readonly [string, number])[] =>
    vocabulary.tokens.flatMap((token, id) => (wanted.includes(vocabulary.kinds[id]!) ? [[token, id] as const] : []));
  return specialSplitter(ofKind(TokenKind.userDefined), ofKind(TokenKind.control, TokenKind.unknown));
}

function encodeFragments(fragments: ReturnType<SpecialSplitter["split"]>, kind: Kind): number[] {
  const ids: number[] = [];
  let atStart = true;
  fragments.forEach((fragment, index) => {
    if ("id" in fragment) ids.push(fragment.id);
    else {
      const space = kind.addSpacePrefix && !kind.prefixed && atStart;
      for (const id of kind.encode(space ? ` ${fragment.text}` : fragment.text, index === 0)) ids.push(id);
    }
    atStart = "id" in fragment;
  });
  return ids;
}

function bytesOf(token: string, tokenKind: number, kind: Kind): Uint8Array<ArrayBuffer> {
  switch (tokenKind) {
    case TokenKind.control:
    case TokenKind.unknown:
      return utf8(token);
    case TokenKind.userDefined:
      return utf8(token.replaceAll(SPACE, kind.addSpacePrefix ? " " : SPACE));
    case TokenKind.byte: {
      const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
      return hex ? Uint8Array.of(Number.parseInt(hex[1]!, 16)) : utf8(token);
    }
    default:
      return kind.toBytes(token);
  }
}
