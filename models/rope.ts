// Rotary frequencies as model files ask for them: base, share of the head, linear scaling. Angles are the backend's work.

import type { RopeSpec, WeightRef } from "../src/graph/graph";
import type { Meta } from "./model";

/**
 * `base^(-2i / dims) / factor` for i in `[0, dims / 2)`, in radians per position.
 *
 * Source: Su et al. 2021, arXiv:2104.09864, section 3.4.2; division by `factor` (positions squeezed into the trained
 * range): Chen et al. 2023, arXiv:2306.15595.
 */
export function ropeFrequencies(dims: number, base: number, factor = 1): readonly number[] {
  return Array.from({ length: dims / 2 }, (_, i) => base ** ((-2 * i) / dims) / factor);
}

/** A {@link RopeSpec} of equal-spaced frequencies. `factors` is Llama 3's table of divisors (`rope_freqs.weight`). */
export function ropeSpec(
  style: RopeSpec["style"],
  dims: number,
  base: number,
  factor: number,
  factors?: WeightRef,
): RopeSpec {
  return { style, dims, frequencies: ropeFrequencies(dims, base, factor), ...(factors && { factors }) };
}

/**
 * The factor of linear scaling, 1 where the file has none.
 *
 * `rope.scaling.type` absent means linear, and `rope.scale_linear` is the factor's older name. Source: llama.cpp,
 * `llama_model::load_hparams`.
 *
 * @throws FennecError `file-unsupported` for other kinds (yarn, longrope), whose logits would be wrong without them.
 */
export function ropeLinearFactor(meta: Meta): number {
  const prefix = `${meta.architecture}.rope`;
  const type = meta.string(`${prefix}.scaling.type`, "linear");
  if (type === "none") return 1;
  if (type !== "linear")
    throw meta.unsupported(`${prefix}.scaling.type`, `RoPE scaling "${type}"`, 'no scaling, or "linear"');
  const old = meta.float(`${prefix}.scale_linear`, 1);
  return meta.float(`${prefix}.scaling.factor`, old) || 1; // 0 is written for "no scaling"
}
