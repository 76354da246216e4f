export { loadRuntime } from "./load_runtime";
export { createOnnxBackend, type OnnxOptions } from "./onnx_backend";
export type { Runtime } from "./runtime";
