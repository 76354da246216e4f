// Random weights in ggml's blocks, fast enough for files of a gigabyte: blocks of normally distributed weights are
// quantized once per type, and tensors are cut from that pool. The number of blocks is prime, so that a matrix has as many
// different rows as the pool has blocks before any comes again.

import { QUANTIZERS } from "../src/quantize/formats";

/** Deviation of every weight: what trained models begin with, and small enough that nothing overflows. */
const DEVIATION = 0.02;

/** Blocks in a pool, prime, by the weights in a block: about two million weights each. */
const POOL_BLOCKS: Readonly<Record<number, number>> = { 1: 2_097_143, 32: 65_521, 256: 8_191 };

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

function poolOf(type: string): Uint8Array<ArrayBuffer> {
  const known = pools.get(type);
  if (known) return known;
  const quantizer = QUANTIZERS.get(type);
  if (!quantizer) throw new Error(`random weights are made in ${[...QUANTIZERS.keys()].join(", ")}; not in ${type}`);
  const blocks = POOL_BLOCKS[quantizer.blockWeights]!;
  const pool = quantizer.quantize(normals(blocks * quantizer.blockWeights, DEVIATION, 1));
  pools.set(type, pool);
  return pool;
}

/**
 * The bytes of a matrix, in pieces that are whole blocks. The same arguments give the same bytes.
 *
 * @param weights A multiple of the type's block.
 * @param seed Where in the pool the matrix begins.
 */
export function* randomBlocks(type: string, weights: number, seed: number): Generator<Uint8Array<ArrayBuffer>> {
  const pool = poolOf(type);
  const { blockBytes, blockWeights } = QUANTIZERS.get(type)!;
  const poolBlocks = pool.length / blockBytes;
  let at = (Math.imul(seed + 1, 0x9e3779b1) >>> 0) % poolBlocks;
  for (let left = weights / blockWeights; left > 0; ) {
    const blocks = Math.min(left, poolBlocks - at, Math.floor(PIECE_BYTES / blockBytes));
    yield pool.subarray(at * blockBytes, (at + blocks) * blockBytes);
    at = (at + blocks) % poolBlocks;
    left -= blocks;
  }
}

/** Gains of a norm, around 1, as F32 bytes. */
export function randomGains(width: number, seed: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(normals(width, 0.1, seed).map((value) => 1 + value).buffer as ArrayBuffer);
}
