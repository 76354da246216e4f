// Host side of common/batch.wgsl and common/slots.wgsl: sizes and word offsets. test/unit/batch.test.ts checks that
// both sides agree.

/** Rows in one step at most: the prefill chunk. */
export const MAX_ROWS = 512;
/** Rows of one step that may ask for an output. */
export const MAX_OUTPUTS = 16;
export const LAST_TOKEN = 0xffff_ffff;

/** Set in a word of `output_row` whose output wants no token: the sampler leaves that output and its slot alone. */
export const OUTPUT_NO_SAMPLE = 0x8000_0000;

export const BATCH_HEADER_WORDS = 4;
export const ROW_WORDS = 4;
/** Size of the uniform `batch`, bytes. */
export const BATCH_BYTES = 4 * (BATCH_HEADER_WORDS + ROW_WORDS * MAX_ROWS + MAX_OUTPUTS);

/** Words of a slot. The first four are fixed; the sampler's follow (kernels/sample/). */
export const SLOT_WORDS = 32;
export const SLOT = { token: 0, position: 1, generation: 2, flags: 3 } as const;

/** Tokens in a page of the KV cache. A power of two; attention sums over tiles that never cross a page. */
export const PAGE_TOKENS = 32;

/**
 * Tokens of a split: long contexts are attended to in parts that begin at multiples of it, whatever the batch, so that a
 * row's sums never depend on other rows. A multiple of PAGE_TOKENS.
 */
export const SPLIT_TOKENS = 512;
