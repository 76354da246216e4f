// A model file's tokenizer as the tokenizer.json that Hugging Face's libraries read: for export to other engines. Here it
// is not used: tokenizer.ts runs the file's own lists.
//
// Source of the format: Hugging Face tokenizers, `tokenizers/src/models/bpe/serialization.rs` and its siblings; of the
// steps per kind: transformers, convert_slow_tokenizer.py (LlamaConverter, Qwen2Converter).

import type { JsonObject } from "../files/json";
import { parseJsonObject } from "../files/json";
import { splitMerge } from "./byte_level_bpe";
import { TOKENIZER_JSON } from "./hugging_face";
import { preTokenizers } from "./pre_tokenizers";
import { mergesFromScores, SPACE, textPieces } from "./sentence_piece";
import { type Tokenizer, tokenizerFromMetadata } from "./tokenizer";
import { type Metadata, readVocabulary, TokenKind, type Vocabulary } from "./vocabulary";

/** @throws FennecError `tokenizer-missing`, `tokenizer-unsupported`, `metadata-type`, as `tokenizerFromMetadata`. */
export function tokenizerJson(metadata: Metadata): JsonObject {
  const tokenizer = tokenizerFromMetadata(metadata);
  const vocabulary = readVocabulary(metadata);
  const own = metadata.get(TOKENIZER_JSON);
  if (typeof own === "string") return parseJsonObject("tokenizer.json", own);
  const steps = vocabulary.model === "gpt2" ? byteLevel(vocabulary) : pieces(vocabulary, tokenizer.addSpacePrefix);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    ...steps,
    post_processor: postProcessor(tokenizer, vocabulary) ?? steps.post_processor,
  };
}

type Steps = Readonly<
  Record<"normalizer" | "pre_tokenizer" | "post_processor" | "decoder" | "model", JsonObject | null>
>;

function byteLevel(vocabulary: Vocabulary): Steps {
  const pre = preTokenizers.get(vocabulary.pre ?? "default")!; // known: the tokenizer was made
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  return {
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        ...pre.patterns.map((Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false })),
        bytes,
      ],
    },
    post_processor: bytes,
    decoder: bytes,
    model: {
      ...BPE,
      byte_fallback: false,
      ignore_merges: pre.ignoreMerges,
      vocab: idsOf(vocabulary),
      merges: (vocabulary.merges ?? []).map(splitMerge),
    },
  };
}

function pieces(vocabulary: Vocabulary, spacePrefix: boolean): Steps {
  const replace = (from: string, content: string) => ({ type: "Replace", pattern: { String: from }, content });
  const prefix = spacePrefix ? [{ type: "Prepend", prepend: SPACE }] : [];
  const strip = spacePrefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : [];
  const { unknownId, tokens } = vocabulary;
  return {
    normalizer: { type: "Sequence", normalizers: [...prefix, replace(" ", SPACE)] },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [replace(SPACE, " "), { type: "ByteFallback" }, { type: "Fuse" }, ...strip],
    },
    model: {
      ...BPE,
      unk_token: (unknownId === undefined ? undefined : tokens[unknownId]) ?? null,
      byte_fallback: true,
      ignore_merges: false,
      vocab: idsOf(vocabulary),
      merges: mergesFromScores(textPieces(vocabulary), vocabulary.scores),
    },
  };
}

const BPE = {
  type: "BPE",
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
} as const;

function idsOf({ tokens }: Vocabulary): Record<string, number> {
  const ids: Record<string, number> = Object.create(null);
  tokens.forEach((token, id) => {
    ids[token] ??= id;
  });
  return ids;
}

function addedTokens({ tokens, kinds }: Vocabulary): JsonObject[] {
  return tokens.flatMap((content, id) => {
    const kind = kinds[id];
    if (kind !== TokenKind.control && kind !== TokenKind.unknown && kind !== TokenKind.userDefined) return [];
    const special = kind !== TokenKind.userDefined;
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

/** Puts BOS before and EOS after a text, where the file says so. */
function postProcessor(tokenizer: Tokenizer, { tokens }: Vocabulary): JsonObject | undefined {
  const before = tokenizer.addBos ? [tokenizer.bosId!] : [];
  const after = tokenizer.addEos ? [tokenizer.eosId!] : [];
  if (before.length + after.length === 0) return undefined;
  const special = (id: number, type_id: number) => ({ SpecialToken: { id: tokens[id]!, type_id } });
  const sequence = (id: "A" | "B", type_id: number) => [
    ...before.map((token) => special(token, type_id)),
    { Sequence: { id, type_id } },
    ...after.map((token) => special(token, type_id)),
  ];
  const used = [...new Set([...before, ...after])];
  return {
    type: "TemplateProcessing",
    single: sequence("A", 0),
    pair: [...sequence("A", 0), ...sequence("B", 1)],
    special_tokens: Object.fromEntries(
      used.map((id) => [tokens[id]!, { id: tokens[id]!, ids: [id], tokens: [tokens[id]!] }]),
    ),
  };
}
