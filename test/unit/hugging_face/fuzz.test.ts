// Ten thousand seeded mutations of each kind of file in a Hugging Face folder, and of a split GGUF's headers: a model or a
// FennecError, in bounded time, and never more bytes read than the files have.

import { describe, expect, test } from "vitest";
import { type ErrorCode, FennecError } from "../../../src/errors";
import { openSplitGguf } from "../../../src/files/gguf_split";
import { memorySource } from "../../../src/files/memory_source";
import { readSafetensors } from "../../../src/files/safetensors";
import type { ByteSource } from "../../../src/files/weights_file";
import { openHuggingFace } from "../../../src/hugging_face/open_folder";
import { filesOfIndex } from "../../../src/hugging_face/shards";
import { recordModel } from "../../../src/model/record";
import { expectFennecError } from "../../support/expect_error";
import { gguf, ggufBytes } from "../../support/gguf_writer";
import { random32 } from "../../support/random_weights";
import {
  jsonBytes,
  memoryFolder,
  safetensorsBytes,
  shardedFiles,
  type Tensors,
} from "../../support/safetensors_writer";

const MUTATIONS = 10_000;

/** Refusals that a damaged file may get; `aborted`, `disposed` or `invalid-argument` would be the reader's own fault. */
const CODES: ReadonlySet<ErrorCode> = new Set([
  "file-corrupt",
  "file-truncated",
  "file-unsupported",
  "metadata-missing",
  "metadata-type",
  "source-unreadable",
  "tensor-missing",
  "tensor-shape",
]);

const tensor = (...shape: number[]) => ({
  dtype: "F32",
  shape,
  bytes: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
});
const tensors: Tensors = {
  "model.embed_tokens.weight": tensor(16, 8),
  "model.norm.weight": tensor(8),
  "model.layers.0.input_layernorm.weight": tensor(8),
  "model.layers.0.post_attention_layernorm.weight": tensor(8),
  "model.layers.0.self_attn.q_proj.weight": tensor(8, 8),
  "model.layers.0.self_attn.k_proj.weight": tensor(4, 8),
  "model.layers.0.self_attn.v_proj.weight": tensor(4, 8),
  "model.layers.0.self_attn.o_proj.weight": tensor(8, 8),
  "model.layers.0.mlp.gate_proj.weight": tensor(12, 8),
  "model.layers.0.mlp.up_proj.weight": tensor(12, 8),
  "model.layers.0.mlp.down_proj.weight": tensor(8, 12),
};
const config = {
  model_type: "llama",
  hidden_act: "silu",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  rope_scaling: { rope_type: "llama3", factor: 8, original_max_position_embeddings: 32 },
  tie_word_embeddings: true,
  eos_token_id: [1, 2],
};
const tokenizer = {
  model: { type: "BPE", vocab: { a: 0, b: 1, ab: 2 }, merges: [["a", "b"]] },
  added_tokens: [{ id: 3, content: "<s>", special: true }],
};
const whole: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "config.json": jsonBytes(config),
  "model.safetensors": safetensorsBytes(tensors),
  "tokenizer.json": jsonBytes(tokenizer),
  "tokenizer_config.json": jsonBytes({ bos_token: "<s>", chat_template: [{ name: "default", template: "x" }] }),
  "generation_config.json": jsonBytes({ do_sample: true, temperature: 0.6, top_k: 20, eos_token_id: [1, 2] }),
};
const sharded = { ...whole, ...shardedFiles(tensors, 2) };

/** What breaks JSON and arithmetic. */
const NASTY = [
  "-1",
  "1e999",
  "9007199254740993",
  "4294967296",
  "0",
  "null",
  "{}",
  "[]",
  '"',
  "[".repeat(100),
  '"__proto__":',
  "1.5",
  "\\u0000",
];

function mutate(bytes: Uint8Array, seed: number, header: number): Uint8Array<ArrayBuffer> {
  const next = random32(seed);
  let out = new Uint8Array(bytes);
  for (let i = 1 + (next() % 3); i > 0; i--) {
    const at = next() % Math.min(out.length, header);
    const kind = next() % 4;
    if (kind === 0) out[at] = next() & 255;
    else if (kind === 1)
      out[at] = 0x30 + (next() % 10); // another digit
    else if (kind === 2) out.set(bytes.subarray(0, Math.min(bytes.length, 8)), Math.max(0, at - 8));
    else {
      const text = new TextEncoder().encode(NASTY[next() % NASTY.length]);
      const longer = new Uint8Array(out.length + text.length);
      longer.set(out.subarray(0, at));
      longer.set(text, at);
      longer.set(out.subarray(at), at + text.length);
      out = longer;
    }
  }
  return next() % 8 === 0 ? out.slice(0, next() % out.length) : out;
}

/** Fails when more is read than a reader of each byte twice would. */
function bounded(bytes: Uint8Array, name = "memory"): ByteSource {
  const memory = memorySource(bytes, name);
  let asked = 0;
  return {
    ...memory,
    async read(offset, length, signal) {
      asked += length;
      if (asked > 2 * bytes.length + 64) throw new Error(`Read ${asked} bytes of a file of ${bytes.length}.`);
      return memory.read(offset, length, signal);
    },
  };
}

async function survive(open: (seed: number) => Promise<unknown>): Promise<number> {
  let refused = 0;
  for (let seed = 0; seed < MUTATIONS; seed++) {
    try {
      await open(seed);
    } catch (error) {
      if (!(error instanceof FennecError)) throw new Error(`seed ${seed}: threw ${error}`, { cause: error });
      if (!CODES.has(error.code)) throw new Error(`seed ${seed}: ${error.code}`, { cause: error });
      if (error.message.length > 700) throw new Error(`seed ${seed}: a message of ${error.message.length} characters`);
      refused += 1;
    }
  }
  return refused;
}

describe("10,000 seeded mutations", () => {
  test("safetensors: tensors inside the file, or a refusal", async () => {
    const bytes = whole["model.safetensors"]!;
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const refused = await survive(async (seed) => {
      const source = bounded(mutate(bytes, seed, seed % 4 === 0 ? 16 : header));
      for (const { offset, bytes: size, shape } of (await readSafetensors(source)).values()) {
        if (!(offset >= 8 && size >= 0 && offset + size <= source.size && shape.length <= 8))
          throw new Error("out of range");
      }
    });
    expect(refused).toBeGreaterThan(MUTATIONS / 2);
  });

  test("model.safetensors.index.json", async () => {
    const bytes = sharded["model.safetensors.index.json"]!;
    const refused = await survive((seed) =>
      openHuggingFace(memoryFolder({ ...sharded, "model.safetensors.index.json": mutate(bytes, seed, bytes.length) })),
    );
    expect(refused).toBeGreaterThan(MUTATIONS / 2);
  });

  test.each(["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])(
    "%s, up to the recorded graph",
    async (name) => {
      const bytes = whole[name]!;
      const refused = await survive(async (seed) => {
        recordModel(await openHuggingFace(memoryFolder({ ...whole, [name]: mutate(bytes, seed, bytes.length) })));
      });
      expect(refused).toBeGreaterThan(MUTATIONS / 4);
    },
  );

  test("headers of split GGUF parts", async () => {
    const names = ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"];
    const parts = names.map((_, part) =>
      ggufBytes({
        metadata: { "split.no": gguf.u32(part), "split.count": gguf.u32(2), "split.tensors.count": gguf.i32(2) },
        tensors: [{ name: `t${part}`, type: "F32", shape: [2, 4], data: () => [new Uint8Array(32)] }],
      }),
    );
    const refused = await survive((seed) =>
      openSplitGguf(names, async (name) => {
        const part = names.indexOf(name);
        return bounded(part === seed % 2 ? mutate(parts[part]!, seed, 180) : parts[part]!, name);
      }),
    );
    expect(refused).toBeGreaterThan(MUTATIONS / 2);
  });
});

describe("lies about a safetensors file", () => {
  const lie = (from: string | RegExp, to: string) => safetensorsBytes(tensors, (text) => text.replace(from, to));
  const length = (value: bigint) => {
    const bytes = whole["model.safetensors"]!.slice();
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return bytes;
  };

  test.each([
    ["nothing", new Uint8Array(0), "file-truncated", "0 bytes"],
    ["a header of 2^63", length(2n ** 63n), "file-corrupt", "9223372036854775808"],
    ["a header past the end", length(50_000n), "file-truncated", "header"],
    ["a tensor past the end", lie(/\[(\d+),(\d+)\]\}\}/, "[100000,100384]}}"), "file-truncated", "down_proj"],
    ["two tensors at one place", lie("[512,544]", "[0,32]"), "file-corrupt", "overlap"],
    ["a shape of other bytes", lie('"shape":[16,8]', '"shape":[16,9]'), "file-corrupt", "576"],
    ["a shape of 2^60", lie('"shape":[16,8]', '"shape":[1073741824,1073741824]'), "file-corrupt", "shape"],
    ["a negative axis", lie('"shape":[16,8]', '"shape":[-16,-8]'), "file-corrupt", "shape"],
    ["offsets backwards", lie("[512,544]", "[544,512]"), "file-corrupt", "data_offsets"],
    ["a dtype that is not known", lie('"F32"', '"F4"'), "file-unsupported", "F4"],
    ["a tensor twice", lie('"model.norm.weight"', '"model.embed_tokens.weight"'), "file-corrupt", "twice"],
    ["no JSON", lie("{", "["), "file-corrupt", "JSON"],
  ] as const)("%s", async (_name, bytes, code, word) => {
    await expectFennecError(() => readSafetensors(bounded(bytes)), code, word);
  });
});

describe("lies in an index", () => {
  test.each([
    ["a file elsewhere", { a: "../secret.safetensors" }],
    ["an absolute path", { a: "/etc/model.safetensors" }],
    ["another kind of file", { a: "model.bin" }],
    ["a number", { a: 1 }],
  ])("%s", async (_name, map) => {
    const text = JSON.stringify({ weight_map: map });
    await expectFennecError(async () => filesOfIndex("index", text), "file-corrupt", "safetensors file");
  });
});
