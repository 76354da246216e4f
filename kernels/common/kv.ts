// How pages hold keys and values: the shader files of each type, and the bytes that they take.

import halfBits from "./half_bits.wgsl?raw";
import kvF16Native from "./kv_f16_native.wgsl?raw";
import kvF16NativeStore from "./kv_f16_native_store.wgsl?raw";
import kvF16 from "./kv_f16_packed.wgsl?raw";
import kvF16Store from "./kv_f16_packed_store.wgsl?raw";
import kvF32 from "./kv_f32.wgsl?raw";
import kvF32Store from "./kv_f32_store.wgsl?raw";
import kvInt8 from "./kv_int8.wgsl?raw";
import kvInt8Store from "./kv_int8_store.wgsl?raw";
import kvPages from "./kv_pages.wgsl?raw";
import kvRead from "./kv_read.wgsl?raw";
import kvReadWrite from "./kv_read_write.wgsl?raw";

/** `int8`: each 32 elements of a head share an f32 scale. */
export type CacheType = "f32" | "f16" | "int8";

/** Elements of a head that share a scale in `int8`. kv_int8.wgsl says the same. */
export const INT8_GROUP = 32;

/** Files that read and write pages, on any device and on those with shader-f16. */
const FILES: Readonly<Record<CacheType | "native f16", { readonly load: string; readonly store: readonly string[] }>> =
  {
    f32: { load: kvF32, store: [kvF32Store] },
    f16: { load: kvF16, store: [halfBits, kvF16Store] },
    "native f16": { load: kvF16Native, store: [halfBits, kvF16NativeStore] },
    int8: { load: kvInt8, store: [kvInt8Store] },
  };

/** Shader files for pages that are only read. */
export function readingParts(kv: keyof typeof FILES): readonly string[] {
  return [FILES[kv].load, kvRead, kvPages];
}

/** Shader files for pages that are written too. */
export function writingParts(kv: keyof typeof FILES): readonly string[] {
  const { load, store } = FILES[kv];
  return [load, ...store, kvReadWrite, kvPages];
}

/** Bytes of the key, or the value, of one token and key head. */
export function cachedHeadBytes(kv: CacheType, headDim: number): number {
  switch (kv) {
    case "f32":
      return 4 * headDim;
    case "f16":
      return 2 * headDim;
    case "int8":
      return headDim + 4 * Math.ceil(headDim / INT8_GROUP);
  }
}
