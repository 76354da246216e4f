// Number formats of safetensors files to f32 and back, on the host, for tensors whose bytes must change on the way.
//
// Source: OCP 8-bit Floating Point Specification, revision 1.0 (E4M3 without infinities, E5M2).

import { halfToFloat } from "../../kernels/quant/half";

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** Bits of the bf16 that is `value` exactly; what does not fit is cut off, so only for values that do. */
export function bfloatBits(value: number): number {
  float[0] = value;
  return word[0]! >>> 16;
}

/** 8 bits with 3 bits of fraction; 0x7f and 0xff are NaN, there is no infinity. */
export function e4m3ToFloat(bits: number): number {
  const exponent = (bits >> 3) & 15;
  const fraction = bits & 7;
  if (exponent === 15 && fraction === 7) return Number.NaN;
  const magnitude = exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10);
  return bits & 0x80 ? -magnitude : magnitude;
}

/** 8 bits with 2 bits of fraction: the upper half of an f16. */
export function e5m2ToFloat(bits: number): number {
  return halfToFloat(bits << 8);
}

/** Values of a tensor's bytes, little-endian. Undefined for a dtype that holds no floats. */
export function floatsOf(dtype: string, bytes: Uint8Array): Float32Array<ArrayBuffer> | undefined {
  const width = WIDTHS[dtype];
  if (!width) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(bytes.byteLength / width);
  const count = values.length;
  // One loop per type: hundreds of millions of weights go through here.
  switch (dtype) {
    case "F64":
      for (let i = 0; i < count; i++) values[i] = view.getFloat64(8 * i, true);
      break;
    case "F32":
      for (let i = 0; i < count; i++) values[i] = view.getFloat32(4 * i, true);
      break;
    case "F16": {
      const table = halfTable();
      for (let i = 0; i < count; i++) values[i] = table[view.getUint16(2 * i, true)]!;
      break;
    }
    case "BF16": {
      const words = new Uint32Array(values.buffer);
      for (let i = 0; i < count; i++) words[i] = view.getUint16(2 * i, true) << 16;
      break;
    }
    case "F8_E4M3":
      for (let i = 0; i < count; i++) values[i] = e4m3ToFloat(bytes[i]!);
      break;
    default:
      for (let i = 0; i < count; i++) values[i] = e5m2ToFloat(bytes[i]!);
  }
  return values;
}

const WIDTHS: Readonly<Record<string, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 };

let halves: Float32Array | undefined;

/** Value of each f16, 256 KiB, made when first needed. */
function halfTable(): Float32Array {
  halves ??= Float32Array.from({ length: 65_536 }, (_, bits) => halfToFloat(bits));
  return halves;
}
