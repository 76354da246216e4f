// The types that weights can be written in. A new type is a file and a line here.

import { iq4_nl } from "./iq4_nl";
import { bf16, f16, f32 } from "./plain";
import { q4_0 } from "./q4_0";
import { q4_1 } from "./q4_1";
import { q4_k } from "./q4_k";
import { q5_0 } from "./q5_0";
import { q5_1 } from "./q5_1";
import { q5_k } from "./q5_k";
import { q6_k } from "./q6_k";
import { q8_0 } from "./q8_0";
import type { Quantizer } from "./quantizer";

const LIST = [f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, iq4_nl];

export const QUANTIZERS: ReadonlyMap<string, Quantizer> = new Map(LIST.map((one) => [one.type, one]));
