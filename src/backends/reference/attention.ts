// Attention over the paged cache, a row and a head at a time.

import type { AttentionSpec } from "../../graph/graph";
import type { KeyValue, KvCache } from "./kv";
import { type Matrix, zeros } from "./tensor";

export interface AttentionRow {
  readonly slot: number;
  readonly position: number;
  /** Keys before this position are visible. */
  readonly keyEnd: number;
}

/**
 * Appends all rows' k and v, then attends: `softmax(scale · q · kᵀ) · v` over the visible keys of the row's own slot,
 * the last `window` positions up to its own when there is a window. Query head h reads key head h / (heads / kvHeads).
 * Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; grouped queries: Ainslie et al. 2023, arXiv:2305.13245.
 *
 * @param q `[rows, heads · headDim]`
 * @param k `[rows, kvHeads · headDim]`, like `v`
 * @param sinks `[heads]` logits that take part in the softmax without a value
 */
export function attention(
  q: Matrix,
  k: Matrix,
  v: Matrix,
  spec: AttentionSpec,
  sinks: Float32Array | undefined,
  rows: readonly AttentionRow[],
  cache: KvCache,
): Matrix {
  rows.forEach((row, i) => {
    cache.append(spec.layer, row.slot, row.position, k.data, v.data, i * k.width);
  });
  const y = zeros(q.rows, q.width);
  const { headDim } = spec;
  const group = q.width / k.width; // query heads per key head
  rows.forEach((row, i) => {
    const first = spec.window === undefined ? 0 : Math.max(0, row.position - spec.window + 1);
    const keys: KeyValue[] = [];
    for (let position = first; position < row.keyEnd; position++) {
      keys.push(cache.read(spec.layer, row.slot, position));
    }
    for (let head = 0; head * headDim < q.width; head++) {
      const from = i * q.width + head * headDim;
      const kvFrom = Math.floor(head / group) * headDim;
      const weights = softmax(scores(q.data, from, keys, kvFrom, spec), sinks?.[head]);
      keys.forEach(({ page, offset }, n) => {
        const weight = weights[n]!;
        for (let d = 0; d < headDim; d++) y.data[from + d]! += weight * page.values[offset + kvFrom + d]!;
      });
    }
  });
  return y;
}

function scores(
  q: Float64Array,
  from: number,
  keys: readonly KeyValue[],
  kvFrom: number,
  spec: AttentionSpec,
): Float64Array {
  const { headDim, softcap, scale = 1 / Math.sqrt(headDim) } = spec;
  const result = new Float64Array(keys.length);
  keys.forEach(({ page, offset }, n) => {
    let sum = 0;
    for (let d = 0; d < headDim; d++) sum += q[from + d]! * page.keys[offset + kvFrom + d]!;
    const score = sum * scale;
    result[n] = softcap === undefined ? score : softcap * Math.tanh(score / softcap);
  });
  return result;
}

/** In place. A sink takes its share of the sum and gives nothing. */
function softmax(logits: Float64Array, sink: number | undefined): Float64Array {
  let max = sink ?? -Infinity;
  for (const logit of logits) max = Math.max(max, logit);
  let sum = sink === undefined ? 0 : Math.exp(sink - max);
  for (let i = 0; i < logits.length; i++) sum += logits[i] = Math.exp(logits[i]! - max);
  for (let i = 0; i < logits.length; i++) logits[i]! /= sum;
  return logits;
}
