// Types without blocks: F32, F16 and BF16, each value rounded to nearest, ties to even.

import { floatToHalf } from "../../kernels/quant/half";
import { defineQuantizer } from "./quantizer";

const word = new DataView(new ArrayBuffer(4));

export const f32 = defineQuantizer("F32", (values, at, out, to) => out.setFloat32(to, values[at]!, true));

export const f16 = defineQuantizer("F16", (values, at, out, to) => out.setUint16(to, floatToHalf(values[at]!), true));

export const bf16 = defineQuantizer("BF16", (values, at, out, to) => {
  word.setFloat32(0, values[at]!);
  const bits = word.getUint32(0);
  out.setUint16(to, (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16, true);
});
