// The package exports this file without types; direct_module.ts says what is used of it.
declare module "onnxruntime-web/ort-wasm-simd-threaded.mjs" {
  const factory: (options: { readonly numThreads: number }) => Promise<unknown>;
  export default factory;
}
