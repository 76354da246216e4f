// Philox4x32-10 on the CPU: the words of philox.wgsl.

export type Words4 = readonly [number, number, number, number];

/**
 * Four random words for a counter and a key.
 *
 * Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, section 3.3.
 */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [a, b, c, d] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const first = product(0xd2511f53, a);
    const second = product(0xcd9e8d57, c);
    [a, b, c, d] = [(second.high ^ b ^ k0) >>> 0, second.low, (first.high ^ d ^ k1) >>> 0, first.low];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

/** The 64-bit product of two words, from 16-bit halves: doubles hold 53 bits. */
function product(a: number, b: number): { readonly low: number; readonly high: number } {
  const low = (a & 0xffff) * b; // below 2^48
  const high = (a >>> 16) * b;
  const middle = high + Math.floor(low / 2 ** 16); // below 2^49
  return { low: Math.imul(a, b) >>> 0, high: Math.floor(middle / 2 ** 16) };
}
