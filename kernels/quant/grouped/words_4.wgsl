// Words that hold 32 weights.
const BLOCK_WORDS = 4u;
