// Packed weights of Hugging Face folders on the GPU: logits against the reference backend, and against the same weights as
// F32 on the reference backend, where they are equal bit for bit.

import { expect, test } from "vitest";
import { createReferenceBackend } from "../../src/backends/reference/index";
import type { WeightsFile } from "../../src/files/weights_file";
import type { ModelFolder } from "../../src/hugging_face/folder";
import { openHuggingFace } from "../../src/hugging_face/open_folder";
import { recordModel } from "../../src/model/record";
import { packedFolder } from "../support/packed_folder";
import { packedMatrix, type Scheme } from "../support/packed_weights";
import { compareLogits, logitsOf } from "../support/parity";
import { webgpuBackend } from "../support/webgpu";

const PROMPT = [3, 141, 59, 265, 35, 89, 79];

async function referenceLogits(file: WeightsFile): Promise<Float32Array> {
  const model = recordModel(file);
  const backend = await createReferenceBackend({
    file,
    ...model,
    vocab: model.config.vocab,
    options: { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 },
  });
  return logitsOf(backend, PROMPT, PROMPT.length);
}

async function webgpuLogits(folder: ModelFolder): Promise<Float32Array> {
  const file = await openHuggingFace(folder);
  const backend = await webgpuBackend({ file, ...recordModel(file) }, { slots: 1, context: 64 });
  try {
    return await logitsOf(backend, PROMPT, PROMPT.length);
  } finally {
    backend.dispose();
  }
}

test.each([
  ["gptq", 4, 128],
  ["awq", 4, 64],
  ["mlx", 8, 64],
  ["compressed_zeros", 4, 32],
] as const)("%s, %i bits, groups of %i", async (scheme: Scheme, bits, group) => {
  const options = { bits, group };
  const { folder, plain } = packedFolder(scheme, options, (rows, cols, index) =>
    packedMatrix(scheme, { ...options, rows, cols, seed: 100 + index }),
  );
  const file = await openHuggingFace(folder);
  const want = await referenceLogits(file);
  const same = await referenceLogits(await openHuggingFace(plain));
  expect(want.findIndex((logit, i) => logit !== same[i])).toBe(-1);
  const { nmse } = compareLogits(await webgpuLogits(folder), want, recordModel(file).config.vocab);
  console.info(`${scheme} ${bits} bits, groups of ${group}: nmse ${nmse.toExponential(2)}, bound 1e-9`);
  expect(nmse).toBeLessThan(1e-9);
});
