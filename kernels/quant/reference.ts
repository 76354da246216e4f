// What tests know of a weight format beyond its definition: how its layout on the GPU follows from the file, weight by
// weight, and how to make blocks of noise. Each format folder has a `reference.ts` with its own.

import { noise, noiseBytes, random } from "../testing";
import { bf16Reference } from "./bf16/reference";
import { f16Reference } from "./f16/reference";
import { f32Reference } from "./f32/reference";
import type { MatrixLayout, WeightFormat } from "./format";
import type { FormatReference } from "./format_reference";
import { groupedReferences } from "./grouped/reference";
import { floatToHalf, halfToFloat } from "./half";
import { iq1_sReference } from "./iq1_s/reference";
import { iq2_sReference } from "./iq2_s/reference";
import { iq2_xsReference } from "./iq2_xs/reference";
import { iq2_xxsReference } from "./iq2_xxs/reference";
import { iq3_sReference } from "./iq3_s/reference";
import { iq3_xxsReference } from "./iq3_xxs/reference";
import { iq4_nlReference } from "./iq4_nl/reference";
import { iq4_xsReference } from "./iq4_xs/reference";
import { mxfp4Reference } from "./mxfp4/reference";
import { nvfp4Reference } from "./nvfp4/reference";
import { q2_kReference } from "./q2_k/reference";
import { q3_kReference } from "./q3_k/reference";
import { q4_0Reference } from "./q4_0/reference";
import { q4_1Reference } from "./q4_1/reference";
import { q4_kReference } from "./q4_k/reference";
import { q5_0Reference } from "./q5_0/reference";
import { q5_1Reference } from "./q5_1/reference";
import { q5_kReference } from "./q5_k/reference";
import { q6_kReference } from "./q6_k/reference";
import { q8_0Reference } from "./q8_0/reference";
import { tq1_0Reference } from "./tq1_0/reference";
import { tq2_0Reference } from "./tq2_0/reference";

const REFERENCES: Readonly<Record<string, FormatReference>> = {
  F32: f32Reference,
  F16: f16Reference,
  BF16: bf16Reference,
  Q8_0: q8_0Reference,
  Q4_0: q4_0Reference,
  Q4_1: q4_1Reference,
  Q5_0: q5_0Reference,
  Q5_1: q5_1Reference,
  Q2_K: q2_kReference,
  Q3_K: q3_kReference,
  Q4_K: q4_kReference,
  Q5_K: q5_kReference,
  Q6_K: q6_kReference,
  IQ4_NL: iq4_nlReference,
  IQ4_XS: iq4_xsReference,
  MXFP4: mxfp4Reference,
  IQ2_XXS: iq2_xxsReference,
  IQ2_XS: iq2_xsReference,
  IQ2_S: iq2_sReference,
  IQ3_XXS: iq3_xxsReference,
  IQ3_S: iq3_sReference,
  IQ1_S: iq1_sReference,
  TQ1_0: tq1_0Reference,
  TQ2_0: tq2_0Reference,
  NVFP4: nvfp4Reference,
  ...groupedReferences,
};

export function referenceOf(format: WeightFormat): FormatReference {
  const reference = REFERENCES[format.type];
  if (!reference) throw new Error(`weight format ${format.type} has no reference`);
  return reference;
}

/** A matrix of noise, in the file's form, as numbers, and as the GPU has it. */
export interface NoiseMatrix {
  readonly bytes: Uint8Array;
  readonly layout: MatrixLayout;
  readonly words: Uint32Array;
  /** `[rows, cols]`. */
  readonly weights: Float32Array;
}

/** @param subnormal Every f16 in the blocks is subnormal. */
export function noiseMatrix(
  format: WeightFormat,
  rows: number,
  cols: number,
  seed: number,
  { subnormal = false } = {},
): NoiseMatrix {
  const { floats, repack } = referenceOf(format);
  const blocks = (rows * cols) / format.blockWeights;
  const bytes = noiseBytes(blocks * format.blockBytes, seed);
  const view = new DataView(bytes.buffer);
  const values = noise(blocks * floats.length, seed + 1, 0.05);
  const next = random(seed + 2);
  for (let block = 0; block < blocks; block++) {
    floats.forEach(({ at, as }, index) => {
      const offset = block * format.blockBytes + at;
      const value = values[block * floats.length + index]!;
      if (as === "f32_of_f16") view.setFloat32(offset, halfToFloat(floatToHalf(value)), true);
      else if (as === "f32") view.setFloat32(offset, value, true);
      else if (as === "e8m0") view.setUint8(offset, (bitsOf(value) >>> 23) & 255);
      else if (as === "bf16") view.setUint16(offset, bitsOf(value) >>> 16, true);
      else if (subnormal) view.setUint16(offset, (next() < 0.5 ? 0x8000 : 0) | Math.floor(next() * 1024), true);
      else view.setUint16(offset, floatToHalf(value), true);
    });
  }
  const layout = format.layout(rows, cols);
  return { bytes, layout, words: repack(bytes, layout, rows, cols), weights: format.dequantize(bytes) };
}

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}
