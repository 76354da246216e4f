import { type KernelCase, kernelCase, noiseBytes } from "../testing";
import type { WeightFormat } from "./format";
import type { FloatKind, FormatReference } from "./format_reference";
import { FORMATS } from "./index";
import { noiseMatrix, referenceOf } from "./reference";

/** Repacks a matrix from block `from` on; what lies before was repacked by an earlier chunk. */
function at(name: string, format: WeightFormat, bytes: Uint8Array, rows: number, cols: number, from = 0): KernelCase {
  const { blockBytes, blockWeights } = format;
  const { repack, floats } = referenceOf(format);
  const layout = format.layout(rows, cols);
  const earlier = bytes.slice().fill(0, from * blockBytes);
  // Staging buffers are used again: behind the chunk there are an older chunk's bytes.
  const source = noiseBytes(4 * Math.ceil(bytes.length / 4) + 64, 3);
  source.set(bytes.subarray(from * blockBytes));
  return kernelCase({
    name,
    kernel: format.repack,
    params: {
      first_block: from,
      blocks: bytes.length / blockBytes - from,
      row_blocks: cols / blockWeights,
      section_1: layout.sections[1],
      section_2: layout.sections[2],
      section_3: layout.sections[3],
    },
    buffers: { source, w: repack(earlier, layout, rows, cols), faults: new Uint32Array(1) },
    expected: () => ({
      w: repack(bytes, layout, rows, cols),
      faults: Uint32Array.of(faultsIn(bytes.subarray(from * blockBytes), blockBytes, floats)),
    }),
    tolerance: 0,
  });
}

/** Floats whose exponent is all ones. */
function faultsIn(bytes: Uint8Array, blockBytes: number, floats: FormatReference["floats"]): number {
  let faults = 0;
  for (let block = 0; block < bytes.length; block += blockBytes)
    for (const { at, as } of floats) if (exponentIsFull(bytes.subarray(block + at), as)) faults++;
  return faults;
}

const F32_EXPONENT = [
  { at: 2, mask: 0x80 },
  { at: 3, mask: 0x7f },
] as const;

/** Where the exponent of a float is all ones: byte from its start, and which of its bits. */
const EXPONENTS = {
  f16: [{ at: 1, mask: 0x7c }],
  bf16: [
    { at: 0, mask: 0x80 },
    { at: 1, mask: 0x7f },
  ],
  f32: F32_EXPONENT,
  f32_of_f16: F32_EXPONENT,
  e8m0: [{ at: 0, mask: 0xff }],
} as const;

function exponentIsFull(bytes: Uint8Array, as: FloatKind): boolean {
  return EXPONENTS[as].every(({ at, mask }) => (bytes[at]! & mask) === mask);
}

function casesOf(format: WeightFormat): readonly KernelCase[] {
  const cols = format.blockWeights === 1 ? 172 : 2 * format.blockWeights;
  const odd = format.blockWeights === 1 ? 36 : format.blockWeights;
  const { bytes } = noiseMatrix(format, 5, cols, 11);
  const chunk = format.layout(5, cols).chunkBlocks;
  // Random bytes alone: many of the floats in them are NaN or infinite.
  const faulty = noiseBytes(3 * (odd / format.blockWeights) * format.blockBytes, 12);
  for (const { at, as } of referenceOf(format).floats)
    for (const byte of EXPONENTS[as]) faulty[at + byte.at]! |= byte.mask;
  return [
    at("a whole matrix; rows of 172 floats are padded to 192", format, bytes, 5, cols),
    at("a later chunk leaves the earlier alone", format, bytes, 5, cols, 2 * chunk),
    at("odd number of blocks, the last word half used", format, noiseMatrix(format, 3, odd, 13).bytes, 3, odd),
    at("NaN and infinite floats are counted", format, faulty, 3, odd),
  ];
}

export const cases: readonly KernelCase[] = [...FORMATS.values()].flatMap(casesOf);
