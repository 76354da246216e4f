// What a safetensors header and its index may claim. They come from strangers: each claim is checked here before anything
// is allocated or looped over. Every limit is several times the largest real file known, which stands beside it.

/** The format's own limit (100 MB); the largest known headers are about 20 MB (13,000 experts' names in one file). */
export const MAX_SAFETENSORS_HEADER_BYTES = 100_000_000;

/** Least bytes of a tensor's entry in the header: `"a":{"dtype":"U8","shape":[],"data_offsets":[0,0]},` */
export const MIN_SAFETENSORS_ENTRY_BYTES = 48;

/** Tensors of one model. Largest known: 91,991 (DeepSeek V3, every expert by itself). */
export const MAX_SAFETENSORS_TENSORS = 1 << 20;

/** A tensor's name. Real names stay below 150 characters. */
export const MAX_SAFETENSORS_NAME = 1_024;

/** Axes of a tensor. Language models have two, their image encoders up to five. */
export const MAX_SAFETENSORS_AXES = 8;

/** `model.safetensors.index.json`. Largest known: 9 MB (DeepSeek V3). */
export const MAX_INDEX_BYTES = 64 << 20;

/** Files of one model. Largest known: 191 (Llama 3.1 405B). */
export const MAX_SHARDS = 2_048;
