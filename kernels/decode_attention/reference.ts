import { attentionReference } from "../attention/reference";
import { partialsReference, splitsOf } from "../attention_combine/reference";
import { type HeadReferenceSpec, prepareQkvReference } from "../prepare_qkv/reference";

export interface DecodeReferenceSpec extends HeadReferenceSpec {
  readonly scale: number;
  readonly window?: number;
  readonly softcap?: number;
  /** `[heads]` */
  readonly sinks?: ArrayLike<number>;
  /** What the cache keeps of heads. */
  readonly kept: (heads: ArrayLike<number>) => ArrayLike<number>;
  /** Room in the partials. */
  readonly splits: number;
}

/**
 * Attention of a row per sequence in f64: the definition of correct for kernels/decode_attention.
 *
 * @param qkv       `[rows, columns.stride]`
 * @param positions `[rows]`
 * @param keys      and @param values by row `[position, kvHeads · headDim]`: those before the row
 * @returns y `[rows, heads · headDim]`, NaN in rows of several splits; partials `[rows, heads, splits, headDim + 4]`, NaN
 *   elsewhere; whole, `y` of all rows; and the new keys and values, `[rows, kvHeads · headDim]`.
 */
export function decodeAttentionReference(
  qkv: ArrayLike<number>,
  positions: readonly number[],
  keys: readonly ArrayLike<number>[],
  values: readonly ArrayLike<number>[],
  spec: DecodeReferenceSpec,
) {
  const { q, k, v } = prepareQkvReference(qkv, positions, spec);
  const width = spec.kvHeads * spec.headDim;
  const withNewest = (older: readonly ArrayLike<number>[], newest: Float64Array) =>
    older.map((some, row) => [
      ...Array.from(some),
      ...Array.from(spec.kept(newest.subarray(row * width, (row + 1) * width))),
    ]);
  const allKeys = withNewest(keys, k);
  const allValues = withNewest(values, v);
  const rows = positions.map((position, row) => ({ sequence: row, position, keyEnd: position + 1 }));
  const whole = attentionReference(q, allKeys, allValues, rows, spec);
  const rowWidth = spec.heads * spec.headDim;
  const y = whole.map((value, i) => {
    const { first, last } = splitsOf(positions[Math.floor(i / rowWidth)]!, spec.window);
    return first === last ? value : Number.NaN;
  });
  return { y, whole, k, v, partials: partialsReference(q, allKeys, allValues, rows, spec, spec.splits) };
}
