// Models in the weight types that our quantizer writes, and webgpu beside the reference backend on them.

import { createReferenceBackend } from "../../src/backends/reference/index";
import { memorySource } from "../../src/files/memory_source";
import { openWeights } from "../../src/files/open";
import type { WeightsFile } from "../../src/files/weights_file";
import { recordModel } from "../../src/model/record";
import { quantizeModel } from "../../src/quantize/index";
import { type Agreement, compareLogits, logitsOf } from "./parity";
import { webgpuBackend } from "./webgpu";

/** The file with its matrices in `type`, in memory. */
export async function quantized(file: WeightsFile, type: string): Promise<WeightsFile> {
  const { pieces } = await quantizeModel(file, { type });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of pieces) parts.push(piece);
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return openWeights(memorySource(bytes, `${file.name} in ${type}`));
}

/** Logits of webgpu, in exact precision, against the reference backend's. */
export async function webgpuAgainstReference(file: WeightsFile, tokens: readonly number[]): Promise<Agreement> {
  const model = { ...recordModel(file), file };
  const reference = await createReferenceBackend({
    graph: model.graph,
    file,
    vocab: model.config.vocab,
    options: { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 },
  });
  const want = await logitsOf(reference, tokens, tokens.length);
  reference.dispose();
  const webgpu = await webgpuBackend(model, { slots: 1, context: 64 });
  const got = await logitsOf(webgpu, tokens, tokens.length);
  webgpu.dispose();
  return compareLogits(got, want, model.config.vocab);
}
