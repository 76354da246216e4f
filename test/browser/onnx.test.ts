// The onnx backend in a real browser: the contract of step(), and logits of other implementations. In Node the same is in
// test/unit/onnx; the trained models are in test/fixtures_tests/browser.

import { expect, test } from "vitest";
import { createOnnxBackend } from "../../src/backends/onnx/index";
import { describeBackend } from "../support/conformance";
import { describeOnnxParity } from "../support/onnx_parity";
import { openParityFixture } from "../support/parity";
import { ownFixtures } from "../support/parity_table";

describeBackend("onnx in a browser", (input) => createOnnxBackend(input));
describeOnnxParity(ownFixtures, [512, 1]);

test("keys and values are not copied here either", async () => {
  const { graph, file, config } = await openParityFixture("nano/llama-nano-F32");
  const options = { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 } as const;
  const backend = await createOnnxBackend({ graph, file, vocab: config.vocab, options });
  expect(backend.adapter).toMatch(/^ONNX Runtime Web 1\.30\.0, wasm, threads: 1, f32 weights$/);
  backend.dispose();
});
