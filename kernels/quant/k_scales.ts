// The scales and mins of Q4_K and Q5_K: eight of each, six bits wide, in 12 bytes. k_scales.wgsl is its twin.
//
// Source: `get_scale_min_k4` of ggml (ggml-quants.c).

/**
 * The first four scales and mins are the low 6 bits of bytes 0-3 and 4-7; of the other four, bytes 8-11 hold the low 4
 * bits (scale low, min high) and the top bits of bytes 0-7 the upper 2.
 *
 * @param at Of the 12 bytes.
 * @param group Of 32 weights in the block, 0 to 7.
 */
export function scaleAndMin(bytes: Uint8Array, at: number, group: number): [scale: number, min: number] {
  if (group < 4) return [bytes[at + group]! & 63, bytes[at + 4 + group]! & 63];
  const low = bytes[at + 4 + group]!;
  return [(low & 15) | ((bytes[at + group - 4]! >> 6) << 4), (low >> 4) | ((bytes[at + group]! >> 6) << 4)];
}
