// What a GGUF header may claim. Headers come from strangers: each claim is checked here before anything is allocated or
// looped over. Every limit is several times the largest real file known, which stands beside it.

/** A key: the specification allows 65,535 bytes; real keys stay below 100. */
export const MAX_KEY_BYTES = 65_535;

/** A tensor's name: ggml stores 64 bytes, image models in GGUF use up to 128. */
export const MAX_TENSOR_NAME_BYTES = 1_024;

/** One string value. Largest known: an embedded tokenizer.json (`tokenizer.huggingface.json`), 33 MB for Gemma 3. */
export const MAX_STRING_BYTES = 128 << 20;

/** Key-value pairs. Largest known: about 70 (model cards that list every base model and data set). */
export const MAX_METADATA_COUNT = 16_384;

/** Elements of one array, all levels together. Largest known: 580,604 merges (Gemma 3). */
export const MAX_ARRAY_LENGTH = 1 << 24;

/** Arrays in arrays. ggml itself writes none; the specification allows them. */
export const MAX_ARRAY_DEPTH = 4;

/** Tensors. Largest known: 13,441 (Arctic with its 128 experts unmerged, 35 layers). */
export const MAX_TENSOR_COUNT = 131_072;

/** Axes of a tensor: GGML_MAX_DIMS. */
export const MAX_TENSOR_AXES = 4;

/** Bytes before the tensor data. Largest known: about 50 MB (Gemma with an embedded tokenizer.json). */
export const MAX_HEADER_BYTES = 512 << 20;

/** `general.alignment`. ggml's default is 32; 4,096 has been seen for memory mapping. */
export const MAX_ALIGNMENT = 1 << 20;

/** `general.alignment` when the file does not say: GGUF_DEFAULT_ALIGNMENT. */
export const DEFAULT_ALIGNMENT = 32;
