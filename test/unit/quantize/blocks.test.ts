// Quantizers block by block: those with a reference in ggml equal to it bit for bit, those with a search of their own
// better than no search.

import { describe, expect, test } from "vitest";
import { formatOf } from "../../../kernels/quant/index";
import { noise } from "../../../kernels/testing";
import { QUANTIZERS } from "../../../src/quantize/formats";

const indexes = Array.from({ length: 32 }, (_, i) => i);
const mixed = indexes.map((i) => (((i * 7919 + 13) % 1021) - 510) / 128);

/** Each is one block of 32 weights, exact in f32. */
const blocks = {
  "both signs": mixed,
  zeros: indexes.map(() => 0),
  "one value": indexes.map(() => -3),
  "equal extremes of both signs": indexes.map((i) => (i % 2 ? 1 : -1)),
  positive: indexes.map((i) => 0.5 + i / 64),
  "a scale below half precision": mixed.map((value) => value * 2 ** -26),
};

/** What gguf-py 0.19 (quants.py) writes for these blocks, in that order. */
const expected: Readonly<Record<string, readonly string[]>> = {
  Q8_0: [
    "d427814607c7874d0dcd8e5313d494591ada9b6020e1a16627e7a76d2dedae7333f4",
    "00000000000000000000000000000000000000000000000000000000000000000000",
    "0c268181818181818181818181818181818181818181818181818181818181818181",
    "0820817f817f817f817f817f817f817f817f817f817f817f817f817f817f817f817f",
    "f01f41434547494b4d4f51535557595b5d5f61636567696b6d6f71737577797b7d7f",
    "0000814607c7874d0dcd8e5313d494591ada9b6020e1a16627e7a76d2dedae7333f4",
  ],
  Q4_0: [
    "c43720eca86420eda96521fdb97531feba76",
    "008088888888888888888888888888888888",
    "003600000000000000000000000000000000",
    "003000ff00ff00ff00ff00ff00ff00ff00ff",
    "e0af24242424131313131313131302020202",
    "000020eca86420eda96521fdb97531feba76",
  ],
  Q4_1: [
    "e437c4c320eca86420eda96521fdb97531fdb976",
    "0000000000000000000000000000000000000000",
    "000000c200000000000000000000000000000000",
    "443000bc00ff00ff00ff00ff00ff00ff00ff00ff",
    "2228003880809191a2a2b3b3c4c4d5d5e6e6f7f7",
    "0000018020eca86420eda96521fdb97531fdb976",
  ],
  Q5_0: [
    "c4336666666630c941c941da52da52ea62ea62eb63eb",
    "0080ffffffff00000000000000000000000000000000",
    "00320000000000000000000000000000000000000000",
    "002caaaaaaaa00ff00ff00ff00ff00ff00ff00ff00ff",
    "e0ab0000000048483737373726262626151515150404",
    "00006666666630c941c941da52da52ea62ea62eb63eb",
  ],
  Q5_1: [
    "a333c4c36666666630d941c941da52da52eb63eb62fc74fb",
    "000000000000000000000000000000000000000000000000",
    "000000c20000000000000000000000000000000000000000",
    "212c00bcaaaaaaaa00ff00ff00ff00ff00ff00ff00ff00ff",
    "002400380000ffff00112233445566778899aabbccddeeff",
    "000001806666666630d941c941da52da52eb63eb62fc74fb",
  ],
};

describe.each(Object.entries(expected))("%s as ggml writes it", (type, all) => {
  test.each(Object.entries(blocks).map(([why, values], i) => [why, values, all[i]!] as const))(
    "%s",
    (_, values, hex) => {
      const bytes = QUANTIZERS.get(type)!.quantize(Float32Array.from(values));
      expect([...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")).toBe(hex);
    },
  );
});

/** Nearly normal: sums of uniform noise. */
function bellCurve(length: number, seed: number, deviation: number): Float32Array {
  const parts = Array.from({ length: 6 }, (_, i) => noise(length, 100 * seed + i, deviation / Math.SQRT2));
  return Float32Array.from({ length }, (_, i) => parts.reduce((sum, part) => sum + part[i]!, 0));
}

/** Root mean square error, in units of the weights' deviation. */
function errorOf(type: string, values: Float32Array): number {
  const back = formatOf(type).dequantize(QUANTIZERS.get(type)!.quantize(values));
  let errors = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    errors += (back[i]! - values[i]!) ** 2;
    squares += values[i]! ** 2;
  }
  return Math.sqrt(errors / squares);
}

/** What rounding between least and largest costs, with scales that are not rounded. */
function plainError(values: Float32Array, group: number, levels: number, symmetric: boolean): number {
  let errors = 0;
  let squares = 0;
  for (let at = 0; at < values.length; at += group) {
    const part = values.subarray(at, at + group);
    const most = part.reduce((a, b) => Math.max(a, b));
    const least = part.reduce((a, b) => Math.min(a, b));
    const reach = Math.max(most, -least);
    const [low, high] = symmetric ? [-reach, reach] : [Math.min(0, least), most];
    const scale = (high - low) / levels;
    for (const value of part) {
      errors += (low + scale * Math.round((value - low) / scale) - value) ** 2;
      squares += value ** 2;
    }
  }
  return Math.sqrt(errors / squares);
}

describe("searched scales cost less than the plain range", () => {
  const bell = bellCurve(256 * 64, 5, 0.02);
  const heavy = bell.map((value, i) => (i % 97 === 0 ? 6 * value : value)); // a few large weights, as real matrices have
  const shifted = bell.map((value) => value + 0.01);
  const cases = [
    ["Q4_K", 32, 15, false],
    ["Q5_K", 32, 31, false],
    ["Q6_K", 16, 62, true],
    ["IQ4_NL", 32, 14, true],
  ] as const;
  const inputs = { bell, heavy, shifted };
  const all = cases.flatMap((one) => Object.entries(inputs).map(([name, values]) => [...one, name, values] as const));
  test.each(all)("%s, groups of %i, %i steps, symmetric %s: %s", (type, group, levels, symmetric, _name, values) => {
    expect(errorOf(type, values)).toBeLessThan(plainError(values, group, levels, symmetric));
  });
});

describe("every type", () => {
  // Of a bell curve; measured, rounded up by a tenth. F32 is exact.
  const bounds: Readonly<Record<string, number>> = {
    F32: 1e-12,
    F16: 2.3e-4,
    BF16: 1.9e-3,
    Q8_0: 6e-3,
    Q4_0: 0.095,
    Q4_1: 0.087,
    Q5_0: 0.047,
    Q5_1: 0.042,
    Q4_K: 0.078,
    Q5_K: 0.039,
    Q6_K: 0.0195,
    IQ4_NL: 0.082,
  };
  const values = bellCurve(256 * 64, 9, 0.02);

  test("is in the table of bounds", () => {
    expect([...QUANTIZERS.keys()].sort()).toEqual(Object.keys(bounds).sort());
  });
  test.each(Object.entries(bounds))("%s: relative error below %d", (type, bound) => {
    expect(errorOf(type, values)).toBeLessThan(bound);
  });
  test.each([...QUANTIZERS])("%s: zeros stay zeros, and tiny weights stay finite and small", (type, quantizer) => {
    const zeros = formatOf(type).dequantize(quantizer.quantize(new Float32Array(256)));
    expect(zeros.every((value) => value === 0)).toBe(true);
    const tiny = formatOf(type).dequantize(quantizer.quantize(new Float32Array(256).fill(1e-30)));
    expect(tiny.every((value) => Math.abs(value) <= 1e-6)).toBe(true);
  });
  test.each([...QUANTIZERS])("%s: a block does not depend on those around it", (_type, quantizer) => {
    const { blockWeights, blockBytes } = quantizer;
    const whole = quantizer.quantize(values);
    const alone = quantizer.quantize(values.slice(3 * blockWeights, 4 * blockWeights));
    expect(alone).toEqual(whole.slice(3 * blockBytes, 4 * blockBytes));
  });
});
