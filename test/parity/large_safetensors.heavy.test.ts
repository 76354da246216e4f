// A Hugging Face folder of 335 MB on disk: rows that are permuted, quantized and copied stream to the GPU with little on
// the JS heap. In Node only: the heap is measured and the files lie on disk.

import { open, writeFile } from "node:fs/promises";
import { afterAll, expect, test } from "vitest";
import { floatToHalf } from "../../kernels/quant/half";
import { openNodeFile } from "../../src/files/node_file";
import { setPathOpener } from "../../src/files/platform";
import { recordModel } from "../../src/model/record";
import { openModel } from "../../src/open_model";
import { temporaryFolder } from "../support/gguf_file";
import { HEAP_LIMIT, heapGrowth } from "../support/heap";
import { webgpuBackend } from "../support/webgpu";

const DIM = 2048;
const HIDDEN = 8192;
const VOCAB = 49_152;
const PIECE = new Uint8Array(Uint16Array.from({ length: 1 << 18 }, (_, i) => floatToHalf(Math.sin(i) / 32)).buffer);

const folder = await temporaryFolder();
afterAll(() => folder.remove());

async function writeFolder(): Promise<number> {
  const shapes: Record<string, readonly number[]> = {
    "model.embed_tokens.weight": [VOCAB, DIM],
    "model.norm.weight": [DIM],
    "model.layers.0.input_layernorm.weight": [DIM],
    "model.layers.0.post_attention_layernorm.weight": [DIM],
    "model.layers.0.self_attn.q_proj.weight": [DIM, DIM],
    "model.layers.0.self_attn.k_proj.weight": [DIM, DIM],
    "model.layers.0.self_attn.v_proj.weight": [DIM, DIM],
    "model.layers.0.self_attn.o_proj.weight": [DIM, DIM],
    "model.layers.0.mlp.gate_proj.weight": [HIDDEN, DIM],
    "model.layers.0.mlp.up_proj.weight": [HIDDEN, DIM],
    "model.layers.0.mlp.down_proj.weight": [DIM, HIDDEN],
  };
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const start = end;
    end += 2 * shape.reduce((a, b) => a * b, 1);
    return [name, { dtype: "F16", shape, data_offsets: [start, end] }] as const;
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const handle = await open(folder.file("model.safetensors"), "w");
  await handle.write(new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer));
  await handle.write(header);
  for (let left = end; left > 0; left -= PIECE.length)
    await handle.write(PIECE.subarray(0, Math.min(left, PIECE.length)));
  await handle.close();
  const config = {
    model_type: "llama",
    hidden_size: DIM,
    intermediate_size: HIDDEN,
    num_hidden_layers: 1,
    num_attention_heads: 16,
    max_position_embeddings: 256,
    tie_word_embeddings: true,
  };
  await writeFile(folder.file("config.json"), JSON.stringify(config));
  return end;
}

test.each([undefined, "q8_0"] as const)("quantize: %s", async (quantize) => {
  const bytes = await writeFolder();
  setPathOpener(openNodeFile);
  const file = await openModel(folder.path, { quantize });
  expect(file.bytes).toBeGreaterThan(bytes);
  const model = recordModel(file);
  const { result: backend, growth } = await heapGrowth((look) =>
    webgpuBackend({ file, ...model }, { slots: 1, onProgress: look }),
  );
  console.info(
    `${quantize ?? "as it is"}: JS heap at most ${(growth / 2 ** 20).toFixed(1)} MiB over the start while ${bytes} bytes ` +
      `were loaded; ${backend.memory.weights} bytes of weights on the GPU`,
  );
  expect(growth).toBeLessThan(HEAP_LIMIT);
  expect(backend.memory.weights).toBeLessThan(bytes * (quantize ? 0.56 : 1.02));
  backend.dispose();
  file.dispose();
});
