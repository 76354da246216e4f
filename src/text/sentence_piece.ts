// SentencePiece BPE (`tokenizer.ggml.model` = llama): pieces with scores, spaces written U+2581, bytes as fallback. The
// scores become a list of merges, which @huggingface/tokenizers runs. Unigram SentencePiece (t5) is another model.
//
// Source of the rules: llama.cpp, src/llama-vocab.cpp, `llm_tokenizer_spm`: of all neighbouring pairs whose joined text
// is a piece, the one with the best score is joined first, the leftmost of equals.

import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { FennecError } from "../errors";
import type { EncodeText } from "./byte_level_bpe";
import { TokenKind, type Vocabulary } from "./vocabulary";

/** Stands for a space in pieces. */
export const SPACE = "\u2581";

/** Above this many characters that may precede an inner space, text is not split into words at all. */
const MAX_INNER_SPACE_NEIGHBOURS = 256;

/**
 * Sum of the squared lengths of all pieces, the work of deriving merges. Real vocabularies of 262,144 pieces stay under
 * 20,000,000; a hostile one of long pieces would take minutes.
 */
const MAX_MERGE_WORK = 1 << 28;

/** @throws FennecError `metadata-type` when the pieces are far longer than any real vocabulary's. */
export function sentencePiece(vocabulary: Vocabulary): EncodeText {
  const pieces = textPieces(vocabulary);
  const library = new LibraryTokenizer(
    {
      version: "1.0",
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: wordSplit(pieces.keys()),
      post_processor: null,
      decoder: null,
      model: {
        type: "BPE",
        vocab: withBytes(pieces, vocabulary),
        merges: mergesFromScores(pieces, vocabulary.scores),
        byte_fallback: true,
        unk_token: vocabulary.unknownId === undefined ? null : vocabulary.tokens[vocabulary.unknownId],
        fuse_unk: false,
      },
    },
    {},
  );
  return (text) => library.encode(text.replaceAll(" ", SPACE), { add_special_tokens: false }).ids;
}

/** Pieces that text may become. Control tokens may not be formed by text, bytes only stand in for missing characters. */
export function textPieces(vocabulary: Vocabulary): ReadonlyMap<string, number> {
  const pieces = new Map<string, number>();
  vocabulary.tokens.forEach((token, id) => {
    const kind = vocabulary.kinds[id];
    if (kind === TokenKind.control || kind === TokenKind.unknown || kind === TokenKind.byte) return;
    if (kind === TokenKind.userDefined) return; // found in the text before pieces are
    if (!pieces.has(token)) pieces.set(token, id);
  });
  return pieces;
}

function withBytes(pieces: ReadonlyMap<string, number>, vocabulary: Vocabulary): Record<string, number> {
  const ids: Record<string, number> = Object.create(null);
  for (const [piece, id] of pieces) ids[piece] = id;
  vocabulary.tokens.forEach((token, id) => {
    if (vocabulary.kinds[id] === TokenKind.byte) ids[token] = id;
  });
  const { unknownId } = vocabulary;
  if (unknownId !== undefined && unknownId < vocabulary.tokens.length) ids[vocabulary.tokens[unknownId]!] ??= unknownId;
  return ids;
}

/**
 * Every way to make a piece from two: both parts a piece or a single character (a character is there before any merge,
 * piece or not). Best score first; of one score, the lower id; of one piece, the shorter left part.
 */
export function mergesFromScores(pieces: ReadonlyMap<string, number>, scores: Float32Array | undefined): string[][] {
  const made = [...pieces].filter(([piece]) => [...piece].length > 1);
  const work = made.reduce((sum, [piece]) => sum + piece.length ** 2, 0);
  if (work > MAX_MERGE_WORK) {
    throw new FennecError(
      "metadata-type",
      "tokenizer.ggml.tokens holds pieces too long to be those of a real vocabulary.",
    );
  }
  const score = (id: number): number => scores?.[id] ?? 0;
  made.sort(([, a], [, b]) => score(b) - score(a) || a - b);

  const merges: string[][] = [];
  for (const [piece] of made) {
    const first = piece.codePointAt(0)! > 0xffff ? 2 : 1;
    for (let cut = first; cut < piece.length; cut += piece.codePointAt(cut)! > 0xffff ? 2 : 1) {
      const left = piece.slice(0, cut);
      const right = piece.slice(cut);
      if (isPart(left, pieces) && isPart(right, pieces)) merges.push([left, right]);
    }
  }
  return merges;
}

function isPart(part: string, pieces: ReadonlyMap<string, number>): boolean {
  return pieces.has(part) || part.length === (part.codePointAt(0)! > 0xffff ? 2 : 1);
}

/**
 * Cuts before each run of U+2581, so that a long text is many short words instead of one. Exact, because no merge can
 * cross a cut: where some piece has another character before an inner U+2581, text is not cut after that character.
 */
function wordSplit(pieces: Iterable<string>): object | null {
  const neighbours = new Set<string>();
  for (const piece of pieces) {
    for (let at = piece.indexOf(SPACE, 1); at > 0; at = piece.indexOf(SPACE, at + 1)) {
      const before = [...piece.slice(Math.max(0, at - 2), at)].at(-1)!;
      if (before !== SPACE) neighbours.add(before);
    }
  }
  if (neighbours.size > MAX_INNER_SPACE_NEIGHBOURS) return null;
  const word = `(?:${SPACE}+[^${SPACE}]*|[^${SPACE}]+)`;
  const escaped = [...neighbours].map((character) => `\\u{${character.codePointAt(0)!.toString(16)}}`).join("");
  const Regex = escaped === "" ? word : `${word}(?:(?<=[${escaped}])${SPACE}+[^${SPACE}]*)*`;
  return { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false };
}
