export { createOnnxBackend, type OnnxOptions } from "./onnx_backend";
export { loadRuntime, type Runtime } from "./runtime";
