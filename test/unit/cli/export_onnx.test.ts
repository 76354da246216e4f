// fennec export-onnx: the folder runs by ONNX Runtime's public interface as Transformers.js runs it, with the logits, ids
// and token ids of this engine.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOnnxBackend } from "../../../src/backends/onnx/index";
import { tokenizerFromMetadata } from "../../../src/text/tokenizer";
import { runCli } from "../../support/cli";
import { temporaryFolder } from "../../support/gguf_file";
import { OnnxFolder } from "../../support/onnx_folder";
import { compareLogits, greedyOf, openParityFixture } from "../../support/parity";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const TEXTS = [
  "Once upon a time, there was a little girl.",
  "  two spaces, a tab\tand\n\na line",
  "Straße, 東京 and 🦊 1234",
  "it's <|im_end|> <s> or not",
];

interface Case {
  readonly path: string;
  readonly why: string;
  readonly types: readonly string[];
}

const cases: readonly Case[] = [
  { path: "nano/llama-nano-F32", why: "adjacent rope, SentencePiece", types: ["model.onnx"] },
  { path: "nano/qwen2-nano-F16", why: "biases", types: ["model.onnx"] },
  { path: "nano/gemma3-nano-F16", why: "windows, two ropes, a scaled embedding", types: ["model.onnx"] },
  { path: "builtin/fennec-builtin", why: "Q8_0, byte-level BPE", types: ["model.onnx", "model_quantized.onnx"] },
];

describe.each(cases)("$path ($why)", ({ path, types }) => {
  let fixture: Awaited<ReturnType<typeof openParityFixture>>;
  let out: string;
  beforeAll(async () => {
    fixture = await openParityFixture(path);
    out = folder.file(path.replace("/", "-"));
    const model = path.startsWith("builtin") ? "builtin" : `test/fixtures/${path}.gguf`;
    const { code, notes } = await runCli(["export-onnx", model, out]);
    expect(notes).toEqual([]);
    expect(code).toBe(0);
  });

  test("files", async () => {
    const weights = types.map((name) => `${name}_data`);
    expect((await readdir(`${out}/onnx`)).sort()).toEqual([...types, ...weights].sort());
    const beside = ["config.json", "generation_config.json", "onnx", "tokenizer.json", "tokenizer_config.json"];
    expect((await readdir(out)).sort()).toEqual(beside);
  });

  test.each(types)("%s: logits and greedy ids", async (name) => {
    const { tokens, logits, description, graph, file, config } = fixture;
    const model = await OnnxFolder.open(out, name);
    const first = Math.floor(tokens.length / 2); // a prompt, then more of it behind keys and values
    const got = [await model.step(tokens.slice(0, first), 0), await model.step(tokens.slice(first), 0)];
    const all = Float32Array.from(got.flatMap((part) => [...part]));
    expect(compareLogits(all, logits, description.vocab).nmse).toBeLessThan(Math.min(1e-9, description.bound));

    const options = { precision: "exact", kv: "f32", kvTokens: 128, context: 128, slots: 1 } as const;
    const backend = await createOnnxBackend({ graph, file, vocab: config.vocab, options });
    const prompt = tokens.slice(0, 12);
    expect(await model.greedy(prompt, 24)).toEqual(await greedyOf(backend, prompt, 24));
    backend.dispose();
    await model.release();
  });

  test("tokenizer.json gives the engine's ids and text", async () => {
    const json = async (name: string) => JSON.parse(await readFile(`${out}/${name}`, "utf8"));
    const exported = new Tokenizer(await json("tokenizer.json"), await json("tokenizer_config.json"));
    const own = tokenizerFromMetadata(fixture.file.metadata);
    for (const text of TEXTS) {
      expect(exported.encode(text).ids, text).toEqual(own.encode(text, { special: true, bos: true }));
      // As plain text: behind a special token Hugging Face keeps the space that the engine takes for the tokenizer's.
      const ids = own.encode(text);
      expect(exported.decode(ids, { skip_special_tokens: true }), text).toBe(own.decode(ids));
    }
  });
});

test("a file with Q4_0 matrices also has model_q4.onnx, with the same logits", async () => {
  const model = folder.file("q4.gguf");
  await runCli(["quantize", "test/fixtures/nano/llama-nano-F32.gguf", model, "--type", "Q4_0"]);
  const out = folder.file("q4");
  expect((await runCli(["export-onnx", model, out])).code).toBe(0);
  const { tokens } = await openParityFixture("nano/llama-nano-F32");
  const [whole, blocks] = await Promise.all(["model.onnx", "model_q4.onnx"].map((name) => OnnxFolder.open(out, name)));
  const wanted = await whole!.step(tokens, 0);
  const { nmse } = compareLogits(await blocks!.step(tokens, 0), wanted, wanted.length / tokens.length);
  expect(nmse).toBeLessThan(1e-11);
  await Promise.all([whole!.release(), blocks!.release()]);
});

describe("misuse", () => {
  const nano = "test/fixtures/nano/llama-nano-F32.gguf";
  const cases: readonly (readonly [why: string, argv: (out: string) => readonly string[], says: string])[] = [
    ["no DIR", () => [nano], "the folder to write"],
    ["an unknown form", (out) => [nano, out, "--dtype", "q5"], '"q5"'],
    ["a form that the file does not have", (out) => [nano, out, "--dtype", "q4"], "possible: fp32"],
  ];
  test.each(cases)("%s", async (_why, argv, says) => {
    const { code, notes } = await runCli(["export-onnx", ...argv(folder.file("never"))]);
    expect(code).toBe(2);
    expect(notes).toEqual([expect.stringContaining(says)]);
    expect((await readdir(folder.path)).filter((name) => name.includes("never"))).toEqual([]);
  });

  test("a folder that is there is kept; --force replaces an exported one only", async () => {
    const mine = folder.file("mine");
    await mkdir(mine);
    await writeFile(`${mine}/precious.txt`, "precious");
    for (const more of [[], ["--force"]]) {
      const { code } = await runCli(["export-onnx", nano, mine, ...more]);
      expect(code).toBe(2);
    }
    expect(await readdir(mine)).toEqual(["precious.txt"]);
    const out = folder.file("again");
    for (const [more, code] of [
      [[], 0],
      [[], 2],
      [["--force", "--context", "64"], 0],
    ] as const)
      expect((await runCli(["export-onnx", nano, out, ...more])).code).toBe(code);
    expect(JSON.parse(await readFile(`${out}/config.json`, "utf8"))).toMatchObject({ max_position_embeddings: 64 });
  });
});
