import { PAGE_TOKENS } from "../common/batch";

export interface KvPlace {
  readonly page: number;
  /** Token in the page. */
  readonly offset: number;
}

/**
 * Stores rows of keys and values into pages: the definition of the layout in `common/kv_pages.wgsl`.
 *
 * @param kv `[pages, 2, kvHeads, PAGE_TOKENS, headDim]`, changed in place and returned.
 * @param k  and @param v `[rows, kvHeads · headDim]`
 */
export function kvAppendReference<Elements extends Float64Array | Float32Array>(
  kv: Elements,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  places: readonly KvPlace[],
  { kvHeads, headDim }: { readonly kvHeads: number; readonly headDim: number },
): Elements {
  places.forEach(({ page, offset }, row) => {
    [k, v].forEach((rows, kind) => {
      for (let head = 0; head < kvHeads; head++) {
        const from = (row * kvHeads + head) * headDim;
        const to = (((page * 2 + kind) * kvHeads + head) * PAGE_TOKENS + offset) * headDim;
        for (let d = 0; d < headDim; d++) kv[to + d] = rows[from + d]!;
      }
    });
  });
  return kv;
}

/** Numbers rounded to f16, two to a word, the first in the low half. */
export function packHalves(values: ArrayLike<number>): Uint32Array {
  return Uint32Array.from(
    { length: values.length / 2 },
    (_, word) => (halfBits(values[2 * word]!) | (halfBits(values[2 * word + 1]!) << 16)) >>> 0,
  );
}

/** The number that f16 rounding leaves, as a number. */
export function roundToHalf(value: number): number {
  if (value === 0 || Math.abs(value) >= 65504) return Math.max(-65504, Math.min(65504, value));
  // Unit in the last place: 2^-10 of the leading power of two, 2^-24 for subnormals.
  const ulp = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
  const units = value / ulp;
  const floor = Math.floor(units);
  const rest = units - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return (floor + (up ? 1 : 0)) * ulp;
}

function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const half = roundToHalf(value);
  const sign = half < 0 || Object.is(half, -0) ? 0x8000 : 0;
  const size = Math.abs(half);
  if (size === 0) return sign;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const units = size / 2 ** (exponent - 10); // 1024 ... 2047, or below 1024 for subnormals
  return sign | (units < 1024 ? units : ((exponent + 15) << 10) | (units - 1024));
}
