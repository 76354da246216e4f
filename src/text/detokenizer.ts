// Token ids to text, one at a time: a piece is given out as soon as its characters are complete, never half of one.

/** What a detokenizer asks of a tokenizer. */
export interface TokenBytes {
  /** Whether text gets a space in front (SentencePiece); the detokenizer takes it away again. */
  readonly addSpacePrefix: boolean;

  /** Bytes that a token adds to a text; part of a character is possible. Empty past the token list. Shared: do not write. */
  tokenToBytes(id: number): Uint8Array<ArrayBuffer>;

  /** Control, end-of-reply and unknown tokens: what {@link DetokenizerOptions.skipSpecial} leaves out. */
  isSpecial(id: number): boolean;

  /** A token after which text starts anew, so that {@link addSpacePrefix} applies again: special or user-defined. */
  startsText(id: number): boolean;
}

export interface DetokenizerOptions {
  /** Leave out control tokens; default false. */
  readonly skipSpecial?: boolean;
  /**
   * The token before the first one pushed: for a reply, the prompt's last. Decides whether a SentencePiece vocabulary's
   * leading space is the tokenizer's own and is dropped. Absent at the start of a text.
   */
  readonly after?: number;
}

export interface Detokenizer {
  /** Text that this token completes; empty while a character is only partly there. */
  push(id: number): string;
  /** What is left: bytes that never became a character, as U+FFFD. The detokenizer then starts a new character. */
  flush(): string;
}

/** All pieces joined, with the flush, are `tokenizer.decode` of all ids. */
export function createDetokenizer(tokenizer: TokenBytes, options: DetokenizerOptions = {}): Detokenizer {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let atStart = options.after === undefined || tokenizer.startsText(options.after);
  return {
    push(id) {
      const bytes = tokenizer.tokenToBytes(id);
      const first = atStart;
      atStart = tokenizer.startsText(id);
      if (options.skipSpecial && tokenizer.isSpecial(id)) return "";
      const drop = first && !atStart && tokenizer.addSpacePrefix && bytes[0] === 0x20;
      return decoder.decode(drop ? bytes.subarray(1) : bytes, { stream: true });
    },
    flush: () => decoder.decode(),
  };
}
