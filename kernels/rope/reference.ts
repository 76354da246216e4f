/** What {@link ropeReference} turns, and how. */
export interface RopeReferenceSpec {
  readonly headDim: number;
  /** `[dims / 2]` radians per position. */
  readonly frequencies: readonly number[];
  readonly style: "half" | "adjacent";
}

/**
 * Rotary position embedding in f64, with the angle formed in one piece: the definition of correct for `rope.wgsl`.
 *
 * @param x         `[rows, heads · headDim]`
 * @param positions `[rows]`
 * @returns         `[rows, heads · headDim]`
 */
export function ropeReference(
  x: ArrayLike<number>,
  positions: readonly number[],
  { headDim, frequencies, style }: RopeReferenceSpec,
): Float64Array {
  const y = Float64Array.from(x);
  const width = x.length / positions.length;
  const pairs = frequencies.length;
  positions.forEach((position, row) => {
    for (let first = row * width; first < (row + 1) * width; first += headDim) {
      for (let pair = 0; pair < pairs; pair++) {
        const a = first + (style === "half" ? pair : 2 * pair);
        const b = style === "half" ? a + pairs : a + 1;
        const angle = position * frequencies[pair]!;
        y[a] = x[a]! * Math.cos(angle) - x[b]! * Math.sin(angle);
        y[b] = x[a]! * Math.sin(angle) + x[b]! * Math.cos(angle);
      }
    }
  });
  return y;
}
