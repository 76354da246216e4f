// Token ids for measurements.

/** Ids that look random and are the same everywhere; another `part` begins with another token. */
export function tokenStream(vocab: number): (part: number, length: number) => number[] {
  return (part, length) => {
    let state = (part * 0x9e3779b9) >>> 0;
    return Array.from({ length }, (_, i) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return i === 0 ? part % vocab : (state >>> 8) % vocab;
    });
  };
}
