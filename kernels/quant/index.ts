// The weight formats, by ggml's type name. A new format is a folder and a line here.

import { FennecError } from "../../src/errors";
import { bf16 } from "./bf16/bf16";
import { f16 } from "./f16/f16";
import { f32 } from "./f32/f32";
import type { WeightFormat } from "./format";
import { groupedFormats } from "./grouped/grouped";
import { iq1_s } from "./iq1_s/iq1_s";
import { iq2_s } from "./iq2_s/iq2_s";
import { iq2_xs } from "./iq2_xs/iq2_xs";
import { iq2_xxs } from "./iq2_xxs/iq2_xxs";
import { iq3_s } from "./iq3_s/iq3_s";
import { iq3_xxs } from "./iq3_xxs/iq3_xxs";
import { iq4_nl } from "./iq4_nl/iq4_nl";
import { iq4_xs } from "./iq4_xs/iq4_xs";
import { mxfp4 } from "./mxfp4/mxfp4";
import { nvfp4 } from "./nvfp4/nvfp4";
import { q2_k } from "./q2_k/q2_k";
import { q3_k } from "./q3_k/q3_k";
import { q4_0 } from "./q4_0/q4_0";
import { q4_1 } from "./q4_1/q4_1";
import { q4_k } from "./q4_k/q4_k";
import { q5_0 } from "./q5_0/q5_0";
import { q5_1 } from "./q5_1/q5_1";
import { q5_k } from "./q5_k/q5_k";
import { q6_k } from "./q6_k/q6_k";
import { q8_0 } from "./q8_0/q8_0";
import { tq1_0 } from "./tq1_0/tq1_0";
import { tq2_0 } from "./tq2_0/tq2_0";

const LIST: readonly WeightFormat[] = [
  f32,
  f16,
  bf16,
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  iq1_s,
  tq1_0,
  tq2_0,
  nvfp4,
  ...groupedFormats,
];

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
