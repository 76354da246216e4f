// Searches for the scale (and min) of a few weights under which rounding costs least. The error of a weight counts by
// its importance, so that large weights keep their values and small ones are not ignored.

/** Importance of each weight: root mean square of the group plus its own magnitude. Written to `importance`. */
export function setImportance(values: Float32Array, at: number, importance: Float64Array): void {
  let squares = 0;
  for (let i = 0; i < importance.length; i++) squares += values[at + i]! ** 2;
  const rms = Math.sqrt(squares / importance.length);
  for (let i = 0; i < importance.length; i++) importance[i] = rms + Math.abs(values[at + i]!);
}

/** How far the search goes around the scale that just covers the range, in levels, and in how many steps. */
const REACH = 1;
const STEPS = 20;

export interface AffineFit {
  /** At least 0. */
  readonly scale: number;
  /** Subtracted; at least 0. */
  readonly min: number;
}

/**
 * Scale and min for `weight = scale · level - min`, levels 0 to `most`: for each of several roundings the weighted least
 * squares solution, of which the one with the least error is taken.
 */
export function fitAffine(values: Float32Array, at: number, importance: Float64Array, most: number): AffineFit {
  const count = importance.length;
  let least = 0; // a min can only be subtracted
  let largest = values[at]!;
  let weight = 0;
  let sumX = 0;
  for (let i = 0; i < count; i++) {
    const value = values[at + i]!;
    if (value < least) least = value;
    if (value > largest) largest = value;
    weight += importance[i]!;
    sumX += importance[i]! * value;
  }
  const range = largest - least;
  if (range <= 0) return { scale: 0, min: 0 };

  let scale = range / most;
  let min = -least;
  // Errors here lack the weighted squares of the values, which are the same for all candidates.
  let bestError = Infinity;
  for (let step = 0; step <= STEPS; step++) {
    const perUnit = (most - REACH + (2 * REACH * step) / STEPS) / range;
    let sumL = 0;
    let sumLL = 0;
    let sumLX = 0;
    for (let i = 0; i < count; i++) {
      const value = values[at + i]!;
      let level = Math.floor(perUnit * (value - least) + 0.5);
      if (level > most) level = most;
      const weighted = importance[i]! * level;
      sumL += weighted;
      sumLL += weighted * level;
      sumLX += weighted * value;
    }
    const determinant = weight * sumLL - sumL * sumL;
    if (!(determinant > 0)) continue;
    let ownScale = (weight * sumLX - sumX * sumL) / determinant;
    let ownMin = (sumL * sumLX - sumLL * sumX) / determinant;
    if (ownMin < 0) {
      ownMin = 0;
      ownScale = sumLX / sumLL;
    }
    if (!(ownScale > 0)) continue;
    const error =
      ownScale * ownScale * sumLL +
      ownMin * ownMin * weight +
      2 * (ownMin * sumX - ownScale * ownMin * sumL - ownScale * sumLX);
    if (error >= bestError) continue;
    scale = ownScale;
    min = ownMin;
    bestError = error;
  }
  return { scale, min };
}

/** Weighted squared error after rounding to the levels of a fit. */
export function affineError(
  values: Float32Array,
  at: number,
  importance: Float64Array,
  most: number,
  scale: number,
  min: number,
): number {
  let error = 0;
  for (let i = 0; i < importance.length; i++) {
    const value = values[at + i]!;
    const off = scale * affineLevel(value, scale, min, most) - min - value;
    error += importance[i]! * off * off;
  }
  return error;
}

export function affineLevel(value: number, scale: number, min: number, most: number): number {
  return scale === 0 ? 0 : clampLevel(Math.floor((value + min) / scale + 0.5), 0, most);
}

/**
 * The scale for `weight = scale · q`, where `nearest` gives the q of a weight divided by the scale: of the least squares
 * solutions for each of `perExtreme` (q of the largest weight) the one with the least error. May be negative.
 */
export function fitScale(
  values: Float32Array,
  at: number,
  importance: Float64Array,
  extreme: number,
  perExtreme: readonly number[],
  nearest: (scaled: number) => number,
): number {
  if (extreme === 0) return 0;
  let scale = 0;
  let bestGain = 0; // what the fit takes away from the weighted squares
  for (const q of perExtreme) {
    const inverse = q / extreme;
    let sumQX = 0;
    let sumQQ = 0;
    for (let i = 0; i < importance.length; i++) {
      const level = nearest(inverse * values[at + i]!);
      const w = importance[i]! * level;
      sumQX += w * values[at + i]!;
      sumQQ += w * level;
    }
    if (sumQX * sumQX <= bestGain * sumQQ) continue;
    scale = sumQX / sumQQ;
    bestGain = scale * sumQX;
  }
  return scale;
}

export function clampLevel(level: number, least: number, most: number): number {
  return Math.max(least, Math.min(level, most));
}
