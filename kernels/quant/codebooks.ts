// The codebooks of the IQ formats, unpacked. On the GPU a codebook is the last section of each part of a matrix, written
// once by the uploader: no binding more, no array in the shader (some drivers copy those to every invocation), and it
// stays in the cache.

import type { Codebook } from "./codebook_sets";

/** Section of the layout that holds the codebook, two entries to a word. */
export const CODEBOOK_SECTION = 3;

const unpacked = new Map<Codebook, Uint16Array<ArrayBuffer>>();

/** Entries as 16 bits: weight i's code is 2 bits from bit 2 i on (of 8 weights) or 3 bits from bit 3 i on (of 4). */
export function entriesOf(codebook: Codebook): Uint16Array<ArrayBuffer> {
  const known = unpacked.get(codebook);
  if (known) return known;
  const { weights, set } = codebook;
  const base = weights === 8 ? 3 : 8;
  const bits = weights === 8 ? 2 : 3;
  const bytes = Uint8Array.from(atob(set), (char) => char.charCodeAt(0));
  const entries = new Uint16Array(codebook.entries);
  let count = 0;
  for (let number = 0; number < base ** weights; number++) {
    if (((bytes[number >> 3]! >> (number & 7)) & 1) === 0) continue;
    let entry = 0;
    for (let i = 0, rest = number; i < weights; i++, rest = Math.floor(rest / base))
      entry |= (rest % base) << (bits * i);
    entries[count++] = entry;
  }
  unpacked.set(codebook, entries);
  return entries;
}

/** What {@link CODEBOOK_SECTION} holds. */
export function codebookWords(codebook: Codebook): Uint32Array<ArrayBuffer> {
  return new Uint32Array(entriesOf(codebook).buffer);
}

/** Eight signs of which seven are stored: the eighth makes the number of negative ones even. */
export function evenSigns(seven: number): number {
  let parity = seven ^ (seven >> 4);
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return seven | ((parity & 1) << 7);
}

/** The magnitudes of IQ2_XXS, IQ2_XS and IQ2_S by code; `iq2_values` in codebooks.wgsl computes them. */
export const IQ2_MAGNITUDES: readonly number[] = [8, 25, 43];
/** Those of IQ3_XXS; `iq3_xxs_values` in its loader computes them. */
export const IQ3_XXS_MAGNITUDES: readonly number[] = [4, 12, 20, 28, 36, 44, 52, 62];
