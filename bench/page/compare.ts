// How far a reply agrees with the reference's.

/**
 * Tokens of the reference that `text` begins with. A token without text of its own (half a character) counts with the
 * one that completes it.
 *
 * @param pieces The text of each token of the reference, in order; empty for such tokens.
 */
export function agreeingTokens(pieces: readonly string[], text: string): number {
  let end = 0;
  let agreeing = 0;
  for (const [i, piece] of pieces.entries()) {
    end += piece.length;
    if (text.slice(end - piece.length, end) !== piece) return agreeing;
    if (piece !== "" || i === pieces.length - 1) agreeing = i + 1;
  }
  return agreeing;
}
