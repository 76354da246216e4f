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
  { heads, kvHeads, headDim, scale, window, softcap, sinks }: AttentionReferenceSpec,
): Float64Array {
  const y = new Float64Array(rows.length * heads * headDim);
  rows.forEach(({ sequence, position, keyEnd }, row) => {
    const k = keys[sequence]!;
    const v = values[sequence]!;
    const start = window === undefined ? 0 : Math.max(0, position + 1 - window);
    for (let head = 0; head < heads; head++) {
      const first = (row * heads + head) * headDim;
      const at = (key: number) => (key * kvHeads + Math.floor(head / (heads / kvHeads))) * headDim;

      const scores: number[] = [];
      for (let key = start; key < keyEnd; key++) {
        let product = 0;
        for (let d = 0; d < headDim; d++) product += q[first + d]! * k[at(key) + d]!;
        const score = product * scale;
        scores.push(softcap === undefined ? score : softcap * Math.tanh(score / softcap));
      }

      const sink = sinks?.[head] ?? Number.NEGATIVE_INFINITY;
      const largest = Math.max(sink, ...scores);
      const weights = scores.map((score) => Math.exp(score - largest));
      const total = weights.reduce((sum, weight) => sum + weight, Math.exp(sink - largest));
      weights.forEach((weight, i) => {
        for (let d = 0; d < headDim; d++) y[first + d]! += (weight / total) * v[at(start + i) + d]!;
      });
    }
  });
  return y;
}
