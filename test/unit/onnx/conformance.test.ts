import { createOnnxBackend } from "../../../src/backends/onnx/index";
import { describeBackend } from "../../support/conformance";

describeBackend("onnx", (input) => createOnnxBackend(input));
// A page border every few tokens, no power of two, and a graph in many sessions.
describeBackend("onnx with pages of 5 and small parts", (input) =>
  createOnnxBackend(input, { pageTokens: 5, partBytes: 50_000 }),
);
