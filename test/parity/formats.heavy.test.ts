// Every weight format in a whole model: the webgpu backend, which unpacks weights on the GPU, against the reference, whose
// `dequantize` is pinned to ggml's values. Small random models, prefill and decode. Prints what was measured.

import { expect, test } from "vitest";
import { FORMATS } from "../../kernels/quant/index";
import { createReferenceBackend } from "../../src/backends/reference/index";
import { ggmlTypeByName } from "../../src/files/ggml_types";
import { memorySource } from "../../src/files/memory_source";
import { openWeights } from "../../src/files/open";
import { recordModel } from "../../src/model/record";
import { ggufBytes } from "../support/gguf_writer";
import { compareLogits, logitsOf } from "../support/parity";
import { type RandomModel, randomModel } from "../support/random_model";
import { random32 } from "../support/random_weights";
import { webgpuBackend } from "../support/webgpu";

const BOUND = 1e-9;
const VOCAB = 320;
/** The first chunk runs the plan for prefill, the row after it the plan for decoding. */
const ROWS = 18;
const CHUNK = 17;

const UNEVEN = ["attn_q", "ffn_gate"];

const shape: RandomModel = {
  architecture: "qwen3",
  layers: 2,
  dim: 256,
  heads: 4,
  kvHeads: 2,
  hidden: 512,
  vocab: VOCAB,
  context: 64,
};

/** Formats that a GGUF file can name; others are made at load from other files. */
const ggufTypes = [...FORMATS.keys()].filter((type) => ggmlTypeByName(type));

const models: readonly (readonly [name: string, model: RandomModel])[] = [
  ...ggufTypes.map((type) => [type, { ...shape, type }] as const),
  [
    "q in Q4_K, v in Q6_K, k in IQ2_S, gate in Q5_0, up in IQ4_XS, tied F16 embedding",
    {
      ...shape,
      type: "Q4_K",
      embedType: "F16",
      tied: true,
      types: {
        "attn_v.weight": "Q6_K",
        "attn_k.weight": "IQ2_S",
        "ffn_gate.weight": "Q5_0",
        "ffn_up.weight": "IQ4_XS",
      },
    },
  ],
  // Rope, append, attention and gate in dispatches of their own, which the models that we know never need.
  [
    "biases on q and the gate alone: nothing is stacked",
    { ...shape, architecture: "llama", type: "F16", biases: UNEVEN },
  ],
];

test.each(models)("%s: webgpu gives the reference's logits", async (name, model) => {
  const file = await openWeights(memorySource(ggufBytes(randomModel({ ...model, seed: 11 })), name));
  const recorded = recordModel(file);
  const next = random32(5);
  const tokens = Array.from({ length: ROWS }, () => next() % VOCAB);
  const reference = await createReferenceBackend({
    file,
    ...recorded,
    vocab: VOCAB,
    options: { precision: "exact", kv: "f32", kvTokens: 64, context: 64, slots: 1 },
  });
  const want = await logitsOf(reference, tokens, ROWS);
  const backend = await webgpuBackend({ file, ...recorded }, { slots: 1, context: 64 });
  const got = await logitsOf(backend, tokens, CHUNK);
  const { nmse, top1 } = compareLogits(got, want, VOCAB);
  console.info(`${name}: nmse ${nmse.toExponential(2)}, bound ${BOUND}`);
  expect(nmse).toBeLessThan(BOUND);
  expect(top1).toBe(1);
  backend.dispose();
  reference.dispose();
  file.dispose();
});
