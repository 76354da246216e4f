import { type AttentionReferenceRow, type AttentionReferenceSpec, scoresReference } from "../attention/reference";
import { SPLIT_TOKENS } from "../common/batch";

/** First and last split in which a row at this position sees a key. */
export function splitsOf(position: number, window?: number): { readonly first: number; readonly last: number } {
  const start = window === undefined ? 0 : Math.max(0, position + 1 - window);
  return { first: Math.floor(start / SPLIT_TOKENS), last: Math.floor(position / SPLIT_TOKENS) };
}

/**
 * The parts of rows that see keys of several splits, in f64: what decodeAttention leaves in `partials`.
 *
 * @param q      `[rows, heads · headDim]`
 * @param keys   and @param values by sequence `[tokens, kvHeads · headDim]`
 * @param splits Room for so many.
 * @returns      `[rows, heads, splits, headDim + 4]`, NaN where nothing is written.
 */
export function partialsReference(
  q: ArrayLike<number>,
  keys: readonly ArrayLike<number>[],
  values: readonly ArrayLike<number>[],
  rows: readonly AttentionReferenceRow[],
  spec: AttentionReferenceSpec,
  splits: number,
): Float64Array {
  const { heads, kvHeads, headDim, window } = spec;
  const width = headDim + 4;
  const partials = new Float64Array(rows.length * heads * splits * width).fill(Number.NaN);
  rows.forEach((row, at) => {
    const { first, last } = splitsOf(row.position, window);
    if (first === last) return;
    for (let head = 0; head < heads; head++) {
      const { start, scores } = scoresReference(q, keys[row.sequence]!, row, at, head, spec);
      const kvHead = Math.floor(head / (heads / kvHeads));
      for (let split = first; split <= last; split++) {
        const from = Math.max(start, split * SPLIT_TOKENS);
        const own = scores.slice(from - start, (split + 1) * SPLIT_TOKENS - start);
        const largest = own.reduce((a, b) => Math.max(a, b));
        const weights = own.map((score) => Math.exp(score - largest));
        const to = ((at * heads + head) * splits + split) * width;
        partials.fill(0, to, to + width);
        weights.forEach((weight, i) => {
          const value = ((from + i) * kvHeads + kvHead) * headDim;
          for (let d = 0; d < headDim; d++) partials[to + d]! += weight * values[row.sequence]![value + d]!;
        });
        partials.set([largest, weights.reduce((a, b) => a + b)], to + headDim);
      }
    }
  });
  return partials;
}
