export interface AttentionReferenceRow {
  /** Index into the sequences' keys and values. */
  readonly sequence: number;
  readonly position: number;
  /** Keys `0 ... keyEnd - 1` are visible. */
  readonly keyEnd: number;
}

export interface AttentionReferenceSpec {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly window?: number;
  readonly softcap?: number;
  /** `[heads]` */
  readonly sinks?: ArrayLike<number>;
}

/**
 * Attention in f64, two passes over the keys: the definition of correct for kernels/attention.
 *
 * @param q    `[rows, heads · headDim]`
 * @param keys and @param values by sequence `[tokens, kvHeads · headDim]`
 * @returns    `[rows, heads · headDim]`
 */
export function attentionReference(
  q: ArrayLike<number>,
  keys: readonly ArrayLike<number>[],
  values: readonly ArrayLike<number>[],
  rows: readonly AttentionReferenceRow[],
  spec: AttentionReferenceSpec,
): Float64Array {
  const { heads, kvHeads, headDim, sinks } = spec;
  const y = new Float64Array(rows.length * heads * headDim);
  rows.forEach((row, at) => {
    const v = values[row.sequence]!;
    for (let head = 0; head < heads; head++) {
      const { start, scores } = scoresReference(q, keys[row.sequence]!, row, at, head, spec);
      const sink = sinks?.[head] ?? Number.NEGATIVE_INFINITY;
      const largest = Math.max(sink, ...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((sum, weight) => sum + weight, Math.exp(sink - largest));
      const first = (at * heads + head) * headDim;
      weights.forEach((weight, i) => {
        const value = ((start + i) * kvHeads + Math.floor(head / (heads / kvHeads))) * headDim;
        for (let d = 0; d < headDim; d++) y[first + d]! += (weight / total) * v[value + d]!;
      });
    }
  });
  return y;
}

/**
 * Scores of one row and query head, before the softmax.
 *
 * @param k `[tokens, kvHeads · headDim]` of the row's sequence
 * @returns The first visible key, and the scores from it on.
 */
export function scoresReference(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  { position, keyEnd }: AttentionReferenceRow,
  row: number,
  head: number,
  { heads, kvHeads, headDim, scale, window, softcap }: AttentionReferenceSpec,
): { readonly start: number; readonly scores: readonly number[] } {
  const start = window === undefined ? 0 : Math.max(0, position + 1 - window);
  const query = (row * heads + head) * headDim;
  const scores = Array.from({ length: keyEnd - start }, (_, i) => {
    const key = ((start + i) * kvHeads + Math.floor(head / (heads / kvHeads))) * headDim;
    let product = 0;
    for (let d = 0; d < headDim; d++) product += q[query + d]! * k[key + d]!;
    const score = product * scale;
    return softcap === undefined ? score : softcap * Math.tanh(score / softcap);
  });
  return { start, scores };
}
