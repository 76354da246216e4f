// Float rows to Q8_0 and Q4_0 blocks of 32 weights while they are loaded, equal bit for bit to what ggml's reference
// quantizer writes.
//
// Source: `quantize_row_q8_0_ref` and `quantize_row_q4_0_ref` of ggml (ggml-quants.c).

import { floatToHalf } from "./floats";
import { floatValues, type Rows } from "./rows";

export type Quantization = "q8_0" | "q4_0";

const WEIGHTS = 32;

interface Quantizer {
  readonly type: string;
  readonly blockBytes: number;
  /** Writes the block of the 32 values from `at` on. */
  readonly block: (values: Float32Array, at: number, out: DataView, to: number) => void;
}

const QUANTIZERS: Readonly<Record<Quantization, Quantizer>> = {
  q8_0: { type: "Q8_0", blockBytes: 34, block: q8Block },
  q4_0: { type: "Q4_0", blockBytes: 18, block: q4Block },
};

/** Undefined for rows that are no whole number of blocks: those stay as they are. */
export function quantizedRows(rows: Rows, quantization: Quantization): Rows | undefined {
  const cols = rows.shape.at(-1)!;
  if (rows.shape.length !== 2 || cols % WEIGHTS !== 0) return undefined;
  const { type, blockBytes, block } = QUANTIZERS[quantization];
  const rowBytes = (cols / WEIGHTS) * blockBytes;
  return {
    ...rows,
    type,
    rowBytes,
    async read(first, count, signal) {
      const values = await floatValues(rows, first, count, signal);
      const out = new Uint8Array(count * rowBytes);
      const view = new DataView(out.buffer);
      for (let at = 0, to = 0; at < values.length; at += WEIGHTS, to += blockBytes) block(values, at, view, to);
      return out;
    },
  };
}

function q8Block(values: Float32Array, at: number, out: DataView, to: number): void {
  let largest = 0;
  for (let i = at; i < at + WEIGHTS; i++) {
    const magnitude = Math.abs(values[i]!);
    if (!(magnitude <= largest)) largest = magnitude;
  }
  const scale = Math.fround(largest / 127);
  const inverse = scale ? Math.fround(1 / scale) : 0;
  out.setUint16(to, floatToHalf(scale), true);
  for (let i = 0; i < WEIGHTS; i++) {
    const value = Math.fround(values[at + i]! * inverse);
    // To the nearest whole number, halves away from zero.
    out.setInt8(to + 2 + i, value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5));
  }
}

function q4Block(values: Float32Array, at: number, out: DataView, to: number): void {
  let largest = 0;
  let signed = 0;
  for (let i = 0; i < WEIGHTS; i++) {
    const value = values[at + i]!;
    if (!(Math.abs(value) <= largest)) {
      largest = Math.abs(value);
      signed = value;
    }
  }
  const scale = Math.fround(signed / -8);
  const inverse = scale ? Math.fround(1 / scale) : 0;
  const nibble = (i: number) => Math.min(15, Math.trunc(Math.fround(Math.fround(values[at + i]! * inverse) + 8.5)));
  out.setUint16(to, floatToHalf(scale), true);
  for (let i = 0; i < WEIGHTS / 2; i++) out.setUint8(to + 2 + i, nibble(i) | (nibble(i + WEIGHTS / 2) << 4));
}
