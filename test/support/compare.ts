// Compares what a kernel left in a buffer with what its case expects.

import type { Expected, KernelCase } from "../../kernels/testing";

/**
 * The worst disagreement, as a sentence, or undefined when there is none.
 *
 * Floats: `|got - want| / max(|want|, root mean square of want)` is at most `tolerance`; a tolerance of 0 asks for equal
 * numbers, and NaN for an unwritten element. Integers: equal.
 */
export function disagreement(got: ArrayBuffer, want: Expected, tolerance: number): string | undefined {
  if (got.byteLength / 4 !== want.length && !(got.byteLength === 16 && want.length < 4))
    return `the buffer has ${got.byteLength / 4} words, the reference ${want.length}`;
  if (want instanceof Uint32Array || want instanceof Int32Array) {
    const words = want instanceof Uint32Array ? new Uint32Array(got) : new Int32Array(got);
    const at = want.findIndex((value, index) => words[index] !== value);
    return at < 0 ? undefined : `element ${at}: got ${words[at]}, want ${want[at]}`;
  }
  const floats = new Float32Array(got);
  const written = Float64Array.from(want).filter((value) => !Number.isNaN(value));
  const scale = Math.sqrt(written.reduce((sum, value) => sum + value * value, 0) / Math.max(1, written.length));
  let worst = { error: tolerance, at: -1 };
  want.forEach((value, at) => {
    const error = errorOf(floats[at]!, value, scale);
    if (!(error <= worst.error)) worst = { error, at };
  });
  if (worst.at < 0) return undefined;
  return `element ${worst.at} of ${want.length}: got ${floats[worst.at]}, want ${want[worst.at]}, off by ${worst.error} (allowed ${tolerance})`;
}

function errorOf(got: number, want: number, scale: number): number {
  if (Number.isNaN(want)) return Number.isNaN(got) ? 0 : Infinity;
  if (got === want) return 0;
  const error = Math.abs(got - want) / Math.max(Math.abs(want), scale);
  return Number.isNaN(error) ? Infinity : error;
}

/** A variant's tolerance: f16 arithmetic may have its own. */
export function toleranceOf(c: KernelCase, enable: readonly string[] = []): number {
  return enable.includes("f16") ? (c.toleranceF16 ?? c.tolerance) : c.tolerance;
}
