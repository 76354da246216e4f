// Byte-level BPE (`tokenizer.ggml.model` = gpt2): a GGUF vocabulary as a tokenizer.json, run by @huggingface/tokenizers.

import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { FennecError } from "../errors";
import { type PreTokenizer, preTokenizers } from "./pre_tokenizers";
import { TokenKind, type Vocabulary } from "./vocabulary";

/** Ids of text in which no special token is left. */
export type EncodeText = (text: string) => number[];

/** @throws FennecError `tokenizer-unsupported` for an unknown pre-tokenizer, `tokenizer-missing` without merges. */
export function byteLevelBpe(vocabulary: Vocabulary): { readonly encode: EncodeText; readonly pre: PreTokenizer } {
  const pre = preTokenizers.get(vocabulary.pre ?? "default");
  if (!pre) {
    throw new FennecError(
      "tokenizer-unsupported",
      `The file's pre-tokenizer (tokenizer.ggml.pre) is "${vocabulary.pre}", which this version does not know. ` +
        `Known: ${[...preTokenizers.keys()].join(", ")}. Use token ids, or a newer version.`,
    );
  }
  if (!vocabulary.merges) {
    throw new FennecError(
      "tokenizer-missing",
      "The file's tokenizer is byte-level BPE but tokenizer.ggml.merges is absent. Convert the model again.",
    );
  }
  const library = new LibraryTokenizer(
    {
      version: "1.0",
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          ...pre.patterns.map((Regex) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false })),
          { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: null,
      model: {
        type: "BPE",
        vocab: textVocabulary(vocabulary),
        merges: vocabulary.merges.map(splitMerge),
        ignore_merges: pre.ignoreMerges,
      },
    },
    {},
  );
  return { encode: (text) => library.encode(text, { add_special_tokens: false }).ids, pre };
}

/** Tokens that text may become: no control tokens, which only the special splitter may produce. */
function textVocabulary(vocabulary: Vocabulary): Record<string, number> {
  const ids: Record<string, number> = Object.create(null);
  vocabulary.tokens.forEach((token, id) => {
    const kind = vocabulary.kinds[id];
    if (kind === TokenKind.control || kind === TokenKind.unknown || kind === TokenKind.userDefined) return;
    ids[token] ??= id;
  });
  return ids;
}

/** A merge is two tokens with a space between; the space that parts them is never the first character. */
export function splitMerge(merge: string): [string, string] {
  const space = merge.indexOf(" ", 1);
  return space < 0 ? [merge, ""] : [merge.slice(0, space), merge.slice(space + 1)];
}
