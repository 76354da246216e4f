/**
 * LayerNorm in f64: the definition of correct for `layer_norm.wgsl`.
 *
 * @param x    `[rows, width]`
 * @param gain `[width]`
 * @param bias `[width]`, zeros when absent
 * @returns    `[rows, width]`
 */
export function layerNormReference(
  x: ArrayLike<number>,
  gain: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
  eps: number,
): Float64Array {
  const width = gain.length;
  const y = new Float64Array(x.length);
  for (let row = 0; row < x.length; row += width) {
    let mean = 0;
    for (let i = 0; i < width; i++) mean += x[row + i]! / width;
    let variance = 0;
    for (let i = 0; i < width; i++) variance += (x[row + i]! - mean) ** 2 / width;
    const scale = 1 / Math.sqrt(variance + eps);
    for (let i = 0; i < width; i++) y[row + i] = (x[row + i]! - mean) * scale * gain[i]! + (bias?.[i] ?? 0);
  }
  return y;
}
