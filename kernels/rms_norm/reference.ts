/**
 * RMSNorm in f64: the definition of correct for `rms_norm.wgsl`.
 *
 * @param x    `[rows, groups · width]`
 * @param gain `[width]`
 * @returns    `[rows, groups · width]`
 */
export function rmsNormReference(x: ArrayLike<number>, gain: ArrayLike<number>, eps: number): Float64Array {
  const width = gain.length;
  const y = new Float64Array(x.length);
  for (let group = 0; group < x.length; group += width) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += x[group + i]! ** 2;
    const scale = 1 / Math.sqrt(sum / width + eps);
    for (let i = 0; i < width; i++) y[group + i] = x[group + i]! * scale * gain[i]!;
  }
  return y;
}
