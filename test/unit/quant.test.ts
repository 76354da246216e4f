// Dequantization on the host against bytes and values that ggml produced, bit for bit; and the promises of layouts.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CODEBOOK_SECTION, codebookWords, entriesOf, evenSigns } from "../../kernels/quant/codebooks";
import type { WeightFormat } from "../../kernels/quant/format";
import { floatToHalf, halfToFloat } from "../../kernels/quant/half";
import { FORMATS, formatOf } from "../../kernels/quant/index";
import { noiseBytes } from "../../kernels/testing";

const fixtures = new URL("../fixtures/quant-blocks/", import.meta.url);
const index: Record<string, { block_weights: number; block_bytes: number }> = JSON.parse(
  readFileSync(new URL("index.json", fixtures), "utf8"),
);

/** Formats for which ggml's blocks are in the repository; F32 and F16 need none, the grouped ones are not ggml's. */
const pinned = [...FORMATS.values()].filter(({ type }) => !/^(F32|F16|G[48]_\d+)$/.test(type));

describe.each(pinned)("$type", (format) => {
  test("has ggml's block size", () => {
    const block = index[format.type]!;
    expect([format.blockWeights, format.blockBytes]).toEqual([block.block_weights, block.block_bytes]);
  });

  test("dequantizes to ggml's values, bit for bit", () => {
    const want = readFileSync(new URL(`${format.type}.f32`, fixtures));
    // An odd offset, as a tensor in the middle of a buffer may have.
    const file = readFileSync(new URL(`${format.type}.bin`, fixtures));
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    const got = format.dequantize(shifted.subarray(1));
    expect(Buffer.from(got.buffer).equals(want)).toBe(true);
  });
});

test("f32 and f16 dequantize to the values their bits stand for", () => {
  expect([...formatOf("F32").dequantize(new Uint8Array([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]))]).toEqual([1, -2]);
  // 1, the largest half, the smallest, a subnormal, minus the smallest normal
  const halves = new Uint8Array(Uint16Array.of(0x3c00, 0x7bff, 0x0001, 0x03ff, 0x8400).buffer);
  const want = [1, 65_504, 2 ** -24, 1023 * 2 ** -24, -(2 ** -14)];
  expect([...formatOf("F16").dequantize(halves)]).toEqual(want);
});

test("every finite half survives the way to a number and back", () => {
  const finite = Array.from({ length: 65_536 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00);
  expect(finite.filter((bits) => floatToHalf(halfToFloat(bits)) !== bits)).toEqual([]);
});

test.each([
  ["ties to even, down", 1 + 2 ** -11, 0x3c00],
  ["ties to even, up", 1 + 3 * 2 ** -11, 0x3c02],
  ["carry into the exponent", 2 - 2 ** -12, 0x4000],
  ["largest subnormal rounds up to the smallest normal", 1023.7 * 2 ** -24, 0x0400],
  ["half of the smallest subnormal", 2 ** -25, 0],
  ["too large", 65_520, 0x7c00],
  ["not a number", Number.NaN, 0x7e00],
])("rounding to half: %s", (_, value, bits) => {
  expect(floatToHalf(value)).toBe(bits);
});

test.each([...FORMATS.values()])("$type: any bytes of whole blocks dequantize to as many numbers", (format) => {
  for (let seed = 0; seed < 30; seed++) {
    const blocks = 1 + (seed % 5);
    const values = format.dequantize(noiseBytes(blocks * format.blockBytes, seed));
    expect(values.length).toBe(blocks * format.blockWeights);
  }
});

/** Shapes of real models: [rows, cols]. */
const shapes: readonly (readonly [number, number])[] = [
  [1024, 1024],
  [151_936, 1024],
  [3072, 1024],
  [256, 2048],
];

/** A layer of Qwen2.5-1.5B, whose keys and values are among the smallest matrices that files of these types have. */
const layer: readonly (readonly [number, number])[] = [
  [1536, 1536],
  [256, 1536],
  [256, 1536],
  [1536, 1536],
  [8960, 1536],
  [8960, 1536],
  [1536, 8960],
];

function fileBytes({ blockWeights, blockBytes }: WeightFormat, rows: number, cols: number): number {
  return ((rows * cols) / blockWeights) * blockBytes;
}

describe.each([...FORMATS.values()])("layout of $type", (format) => {
  const codebook = format.codebook ? codebookWords(format.codebook).byteLength : 0;

  test.each(shapes)("[%i, %i] takes at most 1 percent more than the file, and a codebook", (rows, cols) => {
    const { bytes, sections } = format.layout(rows, cols);
    expect(bytes).toBeLessThanOrEqual(fileBytes(format, rows, cols) * 1.01 + codebook);
    expect(bytes).toBeGreaterThanOrEqual(fileBytes(format, rows, cols) + codebook);
    expect(bytes % 16).toBe(0);
    for (const section of sections) {
      expect(section % 4).toBe(0);
      expect(section).toBeLessThan(bytes / 4);
    }
    if (codebook > 0) expect(sections[CODEBOOK_SECTION]).toBeLessThanOrEqual((bytes - codebook) / 4);
  });

  test("a layer of a real model takes at most 3 percent more than its file", () => {
    const gpu = layer.reduce((sum, [rows, cols]) => sum + format.layout(rows, cols).bytes, 0);
    const file = layer.reduce((sum, [rows, cols]) => sum + fileBytes(format, rows, cols), 0);
    console.info(`${format.type}: ${gpu} bytes on the GPU, ${file} in the file, ratio ${(gpu / file).toFixed(4)}`);
    expect(gpu / file).toBeLessThanOrEqual(1.03);
  });
});

const codebooks = [...FORMATS.values()].flatMap(({ type, codebook }) => (codebook ? [{ type, codebook }] : []));

test.each(codebooks)("the codebook of $type has all its entries, none twice", ({ codebook }) => {
  const entries = entriesOf(codebook);
  expect(entries.length).toBe(codebook.entries);
  expect(new Set(entries).size).toBe(codebook.entries);
});

test("the eighth sign makes the number of negative ones even", () => {
  for (let seven = 0; seven < 128; seven++) {
    const signs = evenSigns(seven);
    expect(signs & 127).toBe(seven);
    expect([...signs.toString(2)].filter((bit) => bit === "1").length % 2).toBe(0);
  }
});

test("an unknown type is refused by name", () => {
  expect(() => formatOf("IQ1_M")).toThrow(expect.objectContaining({ code: "file-unsupported" }));
  expect(() => formatOf("IQ1_M")).toThrow("IQ1_M");
});
