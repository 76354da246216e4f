// The weight formats, by ggml's type name. A new format is a folder and a line here.

import { FennecError } from "../../src/errors";
import { bf16 } from "./bf16/bf16";
import { f16 } from "./f16/f16";
import { f32 } from "./f32/f32";
import type { WeightFormat } from "./format";
import { q4_0 } from "./q4_0/q4_0";
import { q4_k } from "./q4_k/q4_k";
import { q6_k } from "./q6_k/q6_k";
import { q8_0 } from "./q8_0/q8_0";

const LIST: readonly WeightFormat[] = [f32, f16, bf16, q8_0, q4_0, q4_k, q6_k];

export const FORMATS: ReadonlyMap<string, WeightFormat> = new Map(LIST.map((format) => [format.type, format]));

/** @throws FennecError `file-unsupported` that names the type. */
export function formatOf(type: string): WeightFormat {
  const format = FORMATS.get(type);
  if (format) return format;
  throw new FennecError(
    "file-unsupported",
    `Weight type ${type} is not supported yet; supported are ${[...FORMATS.keys()].join(", ")}. ` +
      "Try another quantization of the same model, such as Q8_0 or Q4_0.",
  );
}
