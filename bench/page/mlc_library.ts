// What a model library of MLC (the wasm that WebLLM wants beside weights) says of itself: JSON among its constants, with
// the name, shape and type of every parameter that it reads.
//
// Source: `_get_metadata` and what is around it in mlc-llm (python/mlc_llm/interface/compile.py).

export interface MlcParameter {
  readonly name: string;
  /** Slow axis first. */
  readonly shape: readonly number[];
  readonly dtype: "uint32" | "float16" | "float32";
}

export interface MlcLibrary {
  /** `qwen2`. */
  readonly modelType: string;
  /** `q4f16_1`: levels of 4 bits, halves elsewhere. */
  readonly quantization: string;
  /** Longest sequence, tokens. */
  readonly context: number;
  /** Rows of a prompt that are computed at once. */
  readonly prefillChunk: number;
  readonly parameters: readonly MlcParameter[];
}

const BEGINNING = '{"model_type"';

/**
 * @param wasm The library's bytes.
 * @throws Error where they hold no such description, or parameters of a type that is not known here.
 */
export function readMlcLibrary(wasm: Uint8Array): MlcLibrary {
  const begin = indexOf(wasm, new TextEncoder().encode(BEGINNING));
  if (begin < 0) throw new Error("this is no model library of MLC: it does not describe a model");
  const fields = JSON.parse(new TextDecoder().decode(wasm.subarray(begin, endOfObject(wasm, begin))));
  const parameters: MlcParameter[] = fields.params.map(({ name, shape, dtype }: MlcParameter) => ({
    name: String(name),
    shape: shape.map(Number),
    dtype,
  }));
  for (const { name, dtype } of parameters) {
    if (!["uint32", "float16", "float32"].includes(dtype)) throw new Error(`${name} is ${dtype}: not known here`);
  }
  return {
    modelType: String(fields.model_type),
    quantization: String(fields.quantization),
    context: Number(fields.context_window_size),
    prefillChunk: Number(fields.prefill_chunk_size),
    parameters,
  };
}

/** Where the JSON object that begins at `at` ends: no text in it has a brace. */
function endOfObject(bytes: Uint8Array, at: number): number {
  let depth = 0;
  for (let end = at; end < bytes.length; end++) {
    if (bytes[end] === 0x7b) depth++;
    if (bytes[end] === 0x7d && --depth === 0) return end + 1;
  }
  return bytes.length;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
