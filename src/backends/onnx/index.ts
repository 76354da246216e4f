export { createOnnxBackend, type OnnxOptions } from "./onnx_backend";
