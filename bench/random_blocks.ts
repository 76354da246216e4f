// Random weights in ggml's blocks, fast enough for files of a gigabyte: blocks of normally distributed weights are
// quantized once per type, and tensors are cut from that pool. The number of blocks is prime, so that a matrix has as many
// different rows as the pool has blocks before any comes again. Rows of an embedding that are the same make ties in the
// logits, which engines may break as they like: blocks of 32 are more than any vocabulary has tokens. Those of 256 are not.

import { floatToHalf, halfToFloat } from "../kernels/quant/half";
import { QUANTIZERS } from "../src/quantize/formats";

/** Deviation of every weight: what trained models begin with, and small enough that nothing overflows. */
const DEVIATION = 0.02;

/** Blocks in a pool, prime, by the weights in a block: two to eight million weights. */
const POOL_BLOCKS: Readonly<Record<number, number>> = { 1: 2_097_143, 32: 262_147, 256: 8_191 };

/** Bytes of a piece that a reader gets at once, at most. */
const PIECE_BYTES = 4 << 20;

const pools = new Map<string, Uint8Array<ArrayBuffer>>();

/** Uniform in (0, 1), the same everywhere. Source: mulberry32 by Tommy Ettinger (public domain), the algorithm alone. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Normally distributed numbers by the Box-Muller transform. */
function normals(count: number, deviation: number, seed: number): Float32Array {
  const next = uniform(seed);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(next()));
    const angle = 2 * Math.PI * next();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** Q4_0 without its level -8. */
const PURE = "Q4_0_pure";

function quantizerOf(type: string) {
  const quantizer = QUANTIZERS.get(type === PURE ? "Q4_0" : type);
  if (quantizer) return quantizer;
  throw new Error(`random weights are made in ${[...QUANTIZERS.keys(), PURE].join(", ")}; not in ${type}`);
}

function poolOf(type: string): Uint8Array<ArrayBuffer> {
  const known = pools.get(type);
  if (known) return known;
  const quantizer = quantizerOf(type);
  const blocks = POOL_BLOCKS[quantizer.blockWeights]!;
  const pool = quantizer.quantize(normals(blocks * quantizer.blockWeights, DEVIATION, 1));
  if (type === PURE) raiseLowestLevels(pool, quantizer.blockBytes);
  pools.set(type, pool);
  return pool;
}

/** Makes the levels -8 of blocks of Q4_0 to -7. A block is a scale of two bytes and 16 bytes of two levels, 8 added. */
function raiseLowestLevels(pool: Uint8Array, blockBytes: number): void {
  for (let i = 0; i < pool.length; i++) {
    if (i % blockBytes < 2) continue;
    if ((pool[i]! & 0x0f) === 0) pool[i]! |= 0x01;
    if ((pool[i]! & 0xf0) === 0) pool[i]! |= 0x10;
  }
}

/**
 * The bytes of a matrix, in pieces that are whole blocks. The same arguments give the same bytes.
 *
 * @param type As ggml spells it, or `Q4_0_pure`: Q4_0 without its level -8.
 * @param weights A multiple of the type's block.
 * @param seed Where in the pool the matrix begins.
 */
export function* randomBlocks(type: string, weights: number, seed: number): Generator<Uint8Array<ArrayBuffer>> {
  const pool = poolOf(type);
  const { blockBytes, blockWeights } = quantizerOf(type);
  const poolBlocks = pool.length / blockBytes;
  let at = (Math.imul(seed + 1, 0x9e3779b1) >>> 0) % poolBlocks;
  for (let left = weights / blockWeights; left > 0; ) {
    const blocks = Math.min(left, poolBlocks - at, Math.floor(PIECE_BYTES / blockBytes));
    yield pool.subarray(at * blockBytes, (at + blocks) * blockBytes);
    at = (at + blocks) % poolBlocks;
    left -= blocks;
  }
}

/** Gains of a norm (around 1) or a bias (around 0), as F32 bytes; each is a half too. */
export function randomVector(width: number, around: number, seed: number): Uint8Array<ArrayBuffer> {
  const values = normals(width, 0.1, seed).map((value) => halfToFloat(floatToHalf(around + value)));
  return new Uint8Array(values.buffer as ArrayBuffer);
}
