// Blocks of 32 weights that share a scale and a bias.
const BLOCKS_PER_GROUP = 4u;
