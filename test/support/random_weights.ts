// Seeded random weights in the file formats of ggml, fast enough for files of hundreds of megabytes. For tests of
// reading and of arithmetic; no quantizer to use for real models. Types that are not worth a quantizer get random bits and
// a scale that gives the weights the wanted deviation.
//
// Source of block layouts: ggml-common.h.

import { floatToHalf, halfToFloat } from "../../kernels/quant/half";
import { formatOf } from "../../kernels/quant/index";

/** A generator of 32-bit numbers (xorshift32 by Marsaglia, scrambled seed): fast, seeded, good enough for test data. */
export function random32(seed: number): () => number {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ 0x5bd1e995) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

const GAUSS_SIZE = 1 << 14;

/** Normally distributed numbers of mean 0 and deviation 1, drawn once; weights pick from it. */
const gauss: Float32Array = (() => {
  const next = random32(1);
  const unit = () => (next() + 1) / 2 ** 32;
  return Float32Array.from(
    { length: GAUSS_SIZE },
    () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit()),
  );
})();

/** Weights per piece: a whole number of blocks of every type. */
const PIECE_WEIGHTS = 1 << 18;

type Fill = (weights: number, next: () => number) => Uint8Array<ArrayBuffer>;

/** Makes what fills a piece; tables are made once per tensor. */
type MakeFill = (mean: number, deviation: number) => Fill;

const fills: Readonly<Record<string, MakeFill>> = {
  F32: (mean, deviation) => (weights, next) => {
    const values = new Float32Array(weights);
    for (let i = 0; i < weights; i++) values[i] = mean + deviation * gauss[next() & (GAUSS_SIZE - 1)]!;
    return new Uint8Array(values.buffer);
  },
  F16: (mean, deviation) => fromTable(Uint16Array.from(gauss, (g) => floatToHalf(mean + deviation * g))),
  BF16: (mean, deviation) => {
    const f = new Float32Array(1);
    return fromTable(
      Uint16Array.from(gauss, (g) => {
        f[0] = mean + deviation * g;
        return new Uint32Array(f.buffer)[0]! >>> 16;
      }),
    );
  },
  Q8_0: (mean, deviation) => (weights, next) =>
    blocks(weights, 32, 34, (view, at) => {
      const values = draw(32, next, mean, deviation);
      const scale = floatToHalf(Math.max(...values.map(Math.abs)) / 127);
      view.setUint16(at, scale, true);
      values.forEach((value, i) => {
        view.setInt8(at + 2 + i, clamp(Math.round(value / (halfToFloat(scale) || 1)), -127, 127));
      });
    }),
  Q4_0: (mean, deviation) => (weights, next) =>
    blocks(weights, 32, 18, (view, at) => {
      const values = draw(32, next, mean, deviation);
      const scale = floatToHalf(Math.max(...values.map(Math.abs)) / 7);
      view.setUint16(at, scale, true);
      const nibbles = values.map((value) => clamp(Math.round(value / (halfToFloat(scale) || 1)) + 8, 0, 15));
      for (let i = 0; i < 16; i++) view.setUint8(at + 2 + i, nibbles[i]! | (nibbles[i + 16]! << 4));
    }),
  // w = d · s · q - dmin · m with q in 0..15; here m = s and dmin = 7.5 · d, so that weights centre on zero.
  Q4_K: (_mean, deviation) => (weights, next) =>
    blocks(weights, 256, 144, (view, at) => {
      const unit = deviation / (32 * 4.6); // the deviations of s (around 32) and of q - 7.5
      view.setUint16(at, floatToHalf(unit), true);
      view.setUint16(at + 2, floatToHalf(unit * 7.5), true);
      const s = Array.from({ length: 8 }, () => 16 + (next() & 31));
      for (let j = 0; j < 4; j++) {
        const high = s[j + 4]!;
        view.setUint8(at + 4 + j, s[j]! | ((high >> 4) << 6));
        view.setUint8(at + 8 + j, s[j]! | ((high >> 4) << 6));
        view.setUint8(at + 12 + j, (high & 15) | ((high & 15) << 4));
      }
      for (let i = 16; i < 144; i += 4) view.setUint32(at + i, next(), true);
    }),
  // w = d · s · (q - 32), s in -128..127, q in 0..63. As in real files, d is often a subnormal f16.
  Q6_K: (_mean, deviation) => (weights, next) =>
    blocks(weights, 256, 210, (view, at) => {
      for (let i = 0; i < 208; i += 4) view.setUint32(at + i, next(), true);
      view.setUint16(at + 208, floatToHalf(deviation / (74 * 18.5)), true);
    }),
};

/** A float in a block: its byte, and its value in units of the block's scale. Minimums are such that weights centre on zero. */
interface BlockFloat {
  readonly at: number;
  readonly factor?: number;
  /** f16 when absent. */
  readonly as?: "e8m0" | "ue4m3";
}

/** Types of which every byte but these may be anything. */
const bitTypes: Readonly<Record<string, readonly BlockFloat[]>> = {
  Q4_1: [{ at: 0 }, { at: 2, factor: -7.5 }],
  Q5_0: [{ at: 0 }],
  Q5_1: [{ at: 0 }, { at: 2, factor: -15.5 }],
  Q2_K: [{ at: 80 }, { at: 82, factor: 1.5 }],
  Q3_K: [{ at: 108 }],
  Q5_K: [{ at: 0 }, { at: 2, factor: 15.5 }],
  IQ4_NL: [{ at: 0 }],
  IQ4_XS: [{ at: 0 }],
  IQ3_S: [{ at: 0 }],
  IQ3_XXS: [{ at: 0 }],
  IQ2_S: [{ at: 0 }],
  IQ2_XS: [{ at: 0 }],
  IQ2_XXS: [{ at: 0 }],
  IQ1_S: [{ at: 0 }],
  TQ1_0: [{ at: 52 }],
  TQ2_0: [{ at: 64 }],
  MXFP4: [{ at: 0, as: "e8m0" }],
  NVFP4: [0, 1, 2, 3].map((at) => ({ at, as: "ue4m3" })),
};

function bitFill(type: string, floats: readonly BlockFloat[]): MakeFill {
  const { blockWeights, blockBytes, dequantize } = formatOf(type);
  const fillWith =
    (scale: number): Fill =>
    (weights, next) =>
      blocks(weights, blockWeights, blockBytes, (view, at) => {
        for (let i = 0; i < blockBytes; i++) view.setUint8(at + i, next() >>> 24);
        for (const { at: offset, factor = 1, as } of floats) {
          if (as === "e8m0") view.setUint8(at + offset, Math.round(Math.log2(scale)) + 127);
          else if (as === "ue4m3") view.setUint8(at + offset, ue4m3Byte(scale));
          else view.setUint16(at + offset, floatToHalf(scale * factor), true);
        }
      });
  return (_mean, deviation) => {
    const sample = dequantize(fillWith(1)(64 * blockWeights, random32(1)));
    const squares = sample.reduce((sum, value) => sum + value * value, 0);
    return fillWith(deviation / Math.sqrt(squares / sample.length));
  };
}

/** A normal number: exponent of 4 bits with a bias of 7, 3 bits of fraction. */
function ue4m3Byte(value: number): number {
  const exponent = Math.max(-6, Math.floor(Math.log2(value)));
  return ((exponent + 7) << 3) + Math.round((value / 2 ** exponent - 1) * 8);
}

const allFills: Readonly<Record<string, MakeFill>> = {
  ...fills,
  ...Object.fromEntries(Object.entries(bitTypes).map(([type, floats]) => [type, bitFill(type, floats)])),
};

export interface RandomWeights {
  readonly type: string;
  /** A whole number of blocks. */
  readonly weights: number;
  readonly seed: number;
  readonly mean?: number;
  readonly deviation: number;
}

/** Encoded weights in pieces; the same arguments give the same bytes. `mean` is ignored by types of random bits. */
export function* randomWeights({ type, weights, seed, mean = 0, deviation }: RandomWeights) {
  const make = allFills[type];
  if (!make) throw new Error(`Random weights can be made in ${Object.keys(allFills).join(", ")}, not in ${type}.`);
  const fill = make(mean, deviation);
  const next = random32(seed);
  for (let done = 0; done < weights; done += PIECE_WEIGHTS) {
    yield fill(Math.min(PIECE_WEIGHTS, weights - done), next);
  }
}

function fromTable(table: Uint16Array): Fill {
  return (weights, next) => {
    const values = new Uint16Array(weights);
    for (let i = 0; i < weights; i++) values[i] = table[next() & (GAUSS_SIZE - 1)]!;
    return new Uint8Array(values.buffer);
  };
}

function blocks(
  weights: number,
  blockWeights: number,
  blockBytes: number,
  fill: (view: DataView, at: number) => void,
): Uint8Array<ArrayBuffer> {
  if (weights % blockWeights !== 0) throw new Error(`${weights} weights are not whole blocks of ${blockWeights}.`);
  const bytes = new Uint8Array((weights / blockWeights) * blockBytes);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += blockBytes) fill(view, at);
  return bytes;
}

function draw(count: number, next: () => number, mean: number, deviation: number): number[] {
  return Array.from({ length: count }, () => mean + deviation * gauss[next() & (GAUSS_SIZE - 1)]!);
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, x));
}
