// Small made-up vocabularies as GGUF metadata, for tests of tokenizers and of what stands on them.

import type { MetadataValue } from "../../src/files/weights_file";
import { TokenKind } from "../../src/text/vocabulary";

export type TestMetadata = Map<string, MetadataValue>;

export interface PieceSpec {
  readonly text: string;
  readonly kind?: number;
  readonly score?: number;
}

/** `<unk>`, `<s>`, `</s>` (0, 1, 2), the 256 bytes (3 to 258), then `pieces`. */
export function spmMetadata(
  pieces: readonly PieceSpec[],
  keys: Readonly<Record<string, MetadataValue>> = {},
): TestMetadata {
  const all: readonly PieceSpec[] = [
    { text: "<unk>", kind: TokenKind.unknown },
    { text: "<s>", kind: TokenKind.control },
    { text: "</s>", kind: TokenKind.control },
    ...Array.from({ length: 256 }, (_, byte) => ({
      text: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
      kind: TokenKind.byte,
    })),
    ...pieces,
  ];
  return new Map<string, MetadataValue>([
    ["tokenizer.ggml.model", "llama"],
    ["tokenizer.ggml.tokens", all.map(({ text }) => text)],
    ["tokenizer.ggml.scores", Float32Array.from(all, ({ score = 0 }) => score)],
    ["tokenizer.ggml.token_type", Int32Array.from(all, ({ kind = TokenKind.normal }) => kind)],
    ...Object.entries(keys),
  ]);
}

/** GPT-2's alphabet in its order, a few merges of English, then `<|im_start|>`, `<|im_end|>` and a user-defined `<tab>`. */
export function bpeMetadata(keys: Readonly<Record<string, MetadataValue>> = {}): TestMetadata {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  const alphabet = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
  const merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld", "1 2", "Ġ Ġ"];
  const special = ["<|im_start|>", "<|im_end|>", "<tab>"];
  const tokens = [...alphabet, ...merges.map((pair) => pair.replace(" ", "")), ...special];
  const kinds = new Int32Array(tokens.length).fill(TokenKind.normal);
  kinds.set([TokenKind.control, TokenKind.control, TokenKind.userDefined], tokens.length - 3);
  return new Map<string, MetadataValue>([
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", "qwen2"],
    ["tokenizer.ggml.tokens", tokens],
    ["tokenizer.ggml.token_type", kinds],
    ["tokenizer.ggml.merges", merges],
    ["tokenizer.ggml.eos_token_id", tokens.length - 2],
    ...Object.entries(keys),
  ]);
}
