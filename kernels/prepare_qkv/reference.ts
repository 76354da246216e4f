import { rmsNormReference } from "../rms_norm/reference";
import { type RopeReferenceSpec, ropeReference } from "../rope/reference";

export interface HeadReferenceSpec extends Omit<RopeReferenceSpec, "style"> {
  readonly heads: number;
  readonly kvHeads: number;
  readonly style: "half" | "adjacent";
  /** RMSNorm of each query and key head; absent: none. */
  readonly norm?: { readonly q: ArrayLike<number>; readonly k: ArrayLike<number>; readonly eps: number };
  /** Elements of a row, and the column where queries, keys and values begin. */
  readonly columns: { readonly stride: number; readonly q: number; readonly k: number; readonly v: number };
}

/**
 * Heads as attention reads them, in f64: the definition of correct for kernels/prepare_qkv.
 *
 * @param qkv       `[rows, columns.stride]`
 * @param positions `[rows]`
 * @returns q `[rows, heads · headDim]`, k and v `[rows, kvHeads · headDim]`
 */
export function prepareQkvReference(
  qkv: ArrayLike<number>,
  positions: readonly number[],
  { heads, kvHeads, headDim, frequencies, style, norm, columns }: HeadReferenceSpec,
): { readonly q: Float64Array; readonly k: Float64Array; readonly v: Float64Array } {
  const part = (from: number, count: number) =>
    Float64Array.from({ length: positions.length * count * headDim }, (_, i) => {
      const row = Math.floor(i / (count * headDim));
      return qkv[row * columns.stride + from + (i % (count * headDim))]!;
    });
  const turned = (x: Float64Array, gain?: ArrayLike<number>) =>
    ropeReference(gain ? rmsNormReference(x, gain, norm!.eps) : x, positions, { headDim, frequencies, style });
  return {
    q: turned(part(columns.q, heads), norm?.q),
    k: turned(part(columns.k, kvHeads), norm?.k),
    v: part(columns.v, kvHeads),
  };
}
