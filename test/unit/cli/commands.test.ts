// The commands on the repository's small models: what is on stdout is data and nothing else.

import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../support/cli";
import { readFixture } from "../../support/files";
import { temporaryFolder, writeGgufFile } from "../../support/gguf_file";
import { gguf } from "../../support/gguf_writer";
import { randomModel } from "../../support/random_model";

const nano = "test/fixtures/nano/llama-nano-F32.gguf";
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let chatModel: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  chatModel = folder.file("chat.gguf");
  const model = randomModel({ tokenizer: "spm", layers: 1, dim: 16, heads: 2, hidden: 16 });
  const template = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}";
  await writeGgufFile(chatModel, {
    ...model,
    metadata: {
      ...model.metadata,
      "tokenizer.chat_template": gguf.string(template),
      "general.sampling.temp": gguf.f32(0.5),
    },
  });
});
afterAll(() => folder.remove());

const reference = ["--backend", "reference"];

describe("inspect", () => {
  test("for people", async () => {
    const { code, out, notes } = await runCli(["inspect", nano]);
    expect([code, notes]).toEqual([0, []]);
    expect(out).toMatch(/architecture +llama/);
    expect(out).toMatch(/runs +yes/);
    expect(out).toMatch(/chat template +no/);
  });

  test("for programs", async () => {
    const { out } = await runCli(["inspect", nano, "--json"]);
    expect(JSON.parse(out)).toMatchObject({ architecture: "llama", vocab: 512, runs: true, problems: [] });
  });

  test("by a file: URL too", async () => {
    const { pathToFileURL } = await import("node:url");
    const { code, out } = await runCli(["inspect", pathToFileURL(nano).href, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ architecture: "llama" });
  });

  test("an architecture that is not there yet is a fact, not a failure", async () => {
    const { code, out } = await runCli(["inspect", "test/fixtures/nano/gpt2-nano-F16.gguf"]);
    expect(code).toBe(0);
    expect(out).toMatch(/runs +(yes|no: .*gpt2)/);
  });
});

describe("tokenize and detokenize", () => {
  test("there and back", async () => {
    const text = "Once upon a time,  wörld\n";
    const { out } = await runCli(["tokenize", nano, "--text", text]);
    expect(out).toMatch(/^\d+( \d+)*\n$/);
    expect((await runCli(["detokenize", nano, "--ids", out.trim()])).out).toBe(text);
  });

  test("as JSON, with commas too", async () => {
    const { out } = await runCli(["tokenize", nano, "--text", "Once", "--json"]);
    const ids: number[] = JSON.parse(out);
    expect((await runCli(["detokenize", nano, "--ids", ids.join(",")])).out).toBe("Once");
  });

  test("special tokens only when asked for", async () => {
    const plain = JSON.parse((await runCli(["tokenize", nano, "--text", "a</s>", "--json"])).out);
    const special = JSON.parse((await runCli(["tokenize", nano, "--text", "a</s>", "--json", "--special"])).out);
    expect(plain).not.toContain(2);
    expect(special[0]).toBe(1);
    expect(special.at(-1)).toBe(2);
    expect((await runCli(["detokenize", nano, "--ids", special.join(","), "--skip-special"])).out).toBe("a");
  });

  test("from a file and from the input", async () => {
    const path = folder.file("text.txt");
    await writeFile(path, "Once upon");
    const { out } = await runCli(["tokenize", nano, "--text", "Once upon"]);
    expect((await runCli(["tokenize", nano, "--file", path])).out).toBe(out);
    expect((await runCli(["tokenize", nano, "--file", "-"], { lines: ["Once upon"] })).out).toBe(out);
  });

  test("no text gives no ids", async () => {
    expect((await runCli(["tokenize", nano, "--text", "", "--json"])).out).toBe("[]\n");
  });
});

describe("logits", () => {
  test("all rows agree with the fixture's", async () => {
    const { prompt, vocab } = JSON.parse(Buffer.from(await readFixture("nano/llama-nano-F32.json")).toString());
    const expected = new Float32Array((await readFixture("nano/llama-nano-F32.f32")).buffer);
    const path = folder.file("all.f32");
    const tokens = prompt.slice(0, 5).join(",");
    const { code, out, notes } = await runCli([
      "logits",
      nano,
      "--tokens",
      tokens,
      "--all",
      "--out",
      path,
      ...reference,
    ]);
    expect([code, out, notes]).toEqual([0, "", []]);
    const got = new Float32Array(new Uint8Array(await readFile(path)).buffer);
    expect(got.length).toBe(5 * vocab);
    let error = 0;
    let power = 0;
    got.forEach((value, i) => {
      error += (value - expected[i]!) ** 2;
      power += expected[i]! ** 2;
    });
    expect(error / power).toBeLessThan(1e-9);

    const last = await runCli(["logits", nano, "--tokens", tokens, "--chunk", "1", "--out", "-", ...reference]);
    expect(last.bytes.length).toBe(vocab * 4);
    const row = new Float32Array(last.bytes.slice().buffer);
    for (const [i, value] of row.entries()) expect(value).toBeCloseTo(got[4 * vocab + i]!, 4);
  });

  test("a chunk above what the backend takes is clamped, and said so", async () => {
    const argv = ["logits", nano, "--tokens", "1,2,3", "--out", "-", ...reference];
    const { code, bytes, notes } = await runCli([...argv, "--chunk", "99999"]);
    expect([code, notes]).toEqual([0, [expect.stringMatching(/chunk is \d+ tokens instead of 99999/)]]);
    expect(bytes).toEqual((await runCli(argv)).bytes);
  });

  test("of a prompt: with BOS as the file says", async () => {
    const ids = JSON.parse((await runCli(["tokenize", nano, "--text", "Once", "--json"])).out);
    const ofPrompt = await runCli(["logits", nano, "--prompt", "Once", "--out", "-", ...reference]);
    const ofTokens = await runCli(["logits", nano, "--tokens", [1, ...ids].join(","), "--out", "-", ...reference]);
    expect(ofPrompt.bytes.length).toBeGreaterThan(0);
    expect(ofPrompt.bytes).toEqual(ofTokens.bytes);
  });
});

describe("generate", () => {
  const raw = ["generate", nano, "--prompt", "Once upon", "--raw", "--max-tokens", "4", ...reference];

  test("raw is greedy: the same each time, and what a temperature of 0 gives", async () => {
    const { code, out, notes } = await runCli(raw);
    expect([code, notes]).toEqual([0, []]);
    expect(out).not.toBe("");
    expect((await runCli([...raw, "--temperature", "0"])).out).toBe(out);
    expect((await runCli([...raw, "--seed", "9"])).out).toBe(out);
  });

  test("a seed repeats what was sampled", async () => {
    const hot = [...raw, "--temperature", "5"];
    const { out } = await runCli([...hot, "--seed", "-3"]);
    expect((await runCli([...hot, "--seed", "-3"])).out).toBe(out);
    expect((await runCli([...hot, "--seed", "4"])).out).not.toBe(out);
  });

  test("a prompt from the input", async () => {
    const fromInput = raw.map((arg) => (arg === "Once upon" ? "-" : arg));
    expect((await runCli(fromInput, { lines: ["Once upon"] })).out).toBe((await runCli(raw)).out);
  });

  test("through the template, unless raw", async () => {
    const argv = ["generate", chatModel, "--prompt", "hi", "--max-tokens", "3", "--temperature", "0", ...reference];
    const templated = await runCli(argv);
    expect(templated.code).toBe(0);
    const same = ["generate", chatModel, "--prompt", "user:hi;", "--raw", "--max-tokens", "3", ...reference];
    expect((await runCli(same)).out).toBe(templated.out);
  });

  test("Ctrl-C in the middle ends it with what there is", async () => {
    const controller = new AbortController();
    const long = raw.map((arg) => (arg === "4" ? "100" : arg));
    const { code, out, notes } = await runCli(long, { signal: controller.signal, onOut: () => controller.abort() });
    expect(code).toBe(1);
    expect(out).not.toBe("");
    expect(notes).toEqual([expect.stringContaining("aborted")]);
  });
});

test("a reader that is gone ends a command without an error", async () => {
  const argv = ["generate", nano, "--raw", "--prompt", "a", ...reference];
  const { code, notes } = await runCli(argv, { signal: AbortSignal.abort(), readerGone: true });
  expect([code, notes]).toEqual([0, []]);
});

test("a terminal gets the end of the line and the speed", async () => {
  const argv = ["generate", nano, "--raw", "--prompt", "Once", "--max-tokens", "2", ...reference];
  const { out, notes } = await runCli(argv, { terminal: true });
  expect(out).toMatch(/\n$/);
  expect(notes).toEqual([expect.stringMatching(/^\[2 tokens, .* a second, the first after \d+ ms\]$/)]);
});

describe("chat", () => {
  test("a reply to each line, and the end of the input ends it", async () => {
    const argv = ["chat", chatModel, "--max-tokens", "3", "--temperature", "0", "--system", "s", ...reference];
    const { code, out, notes } = await runCli(argv, { lines: ["hi", "", "ho"] });
    expect([code, notes]).toEqual([0, []]);
    const generated = async (prompt: string): Promise<string> => {
      const raw = ["generate", chatModel, "--prompt", prompt, "--raw", "--max-tokens", "3", ...reference];
      return (await runCli(raw)).out;
    };
    const first = await generated("system:s;user:hi;");
    const second = await generated(`system:s;user:hi;assistant:${first};user:ho;`);
    expect(out).toBe(`${first}\n${second}\n`);
  });
});

describe("a chat whose context is full", () => {
  const base = ["--max-tokens", "1", "--temperature", "0", "--system", "s", ...reference];

  test("leaves out the oldest exchange, says so, and goes on", async () => {
    const { out: ids } = await runCli(["tokenize", chatModel, "--text", "system:s;user:hello hello;", "--json"]);
    // Room for the second message beside the system prompt, not beside the first exchange.
    const context = String(JSON.parse(ids).length + 4);
    const argv = ["chat", chatModel, ...base, "--context", context];
    const { code, out, notes } = await runCli(argv, { lines: ["hello hello", "hello hello", "hi"] });
    expect(code).toBe(0);
    expect(notes[0]).toMatch(/^context-full: \d+ tokens\. Exchanges left out .*: 1\.$/);
    const alone = await runCli(argv, { lines: ["hello hello"] });
    expect(alone.notes).toEqual([]);
    expect(out.startsWith(alone.out + alone.out)).toBe(true);
  });

  test("a message too long by itself is taken back", async () => {
    const argv = ["chat", chatModel, ...base, "--context", "120"];
    const { code, out, notes } = await runCli(argv, { lines: ["hi", "long ".repeat(200), "ho"] });
    expect([code, notes]).toEqual([
      0,
      [expect.stringMatching(/^context-full: this message is too long for 120 tokens/)],
    ]);
    expect(out).toBe((await runCli(argv, { lines: ["hi", "ho"] })).out);
  });
});

test.each(["generate", "chat"])(
  "%s of an unknown architecture says that, not what its template lacks",
  async (name) => {
    const path = folder.file("unknown.gguf");
    await writeGgufFile(path, {
      metadata: { "general.architecture": gguf.string("madeup") },
      tensors: [],
    });
    const prompt = name === "generate" ? ["--prompt", "hi"] : [];
    const { code, notes } = await runCli([name, path, ...prompt, ...reference]);
    expect(code).toBe(1);
    expect(notes).toEqual([expect.stringContaining('architecture "madeup" is not supported')]);
  },
);

describe("bench", () => {
  const sizes = ["--prompt-tokens", "999", "--gen-tokens", "4", "--depth", "2,0", "--repeat", "1"];
  const exact = ["--json", "--precision", "exact", ...reference];

  test("rows with the agreed fields, sizes clamped to the context and said so", async () => {
    const { code, out, notes } = await runCli(["bench", chatModel, ...sizes, ...exact]);
    expect(notes).toEqual([expect.stringMatching(/prompt is 252 tokens instead of 999.*256/)]);
    expect(code).toBe(0);
    const report = JSON.parse(out);
    expect(report).toMatchObject({ device: null, refused: [], dawn: [], runtime: `Node ${process.version}` });
    expect(report.rows.map(({ test }: { test: string }) => test)).toEqual(["pp252", "tg4", "pp252 @ d2", "tg4 @ d2"]);
    for (const row of report.rows) {
      expect(row).toMatchObject({
        model: "chat",
        backend: "reference",
        precision: "exact",
        kv: "f64",
        tok_s: expect.any(Number),
        gb_s: expect.any(Number),
        // The reference has no device to measure.
        percent_of_floor: null,
        floor_seconds: null,
        per_token: { bind_groups: 0, buffers: 0, submits: expect.any(Number) },
        top1: { agreeing: 8, positions: 8, against: "reference (f64)" },
        memory: { weights: expect.any(Number), kv: expect.any(Number), process: expect.any(Number) },
        logits_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
      expect(row.tok_s).toBeGreaterThan(0);
      expect(row.samples).toHaveLength(1);
    }
    const again = JSON.parse((await runCli(["bench", chatModel, ...sizes, ...exact])).out);
    expect(again.rows[0].logits_hash).toBe(report.rows[0].logits_hash);
  });

  test("on the processor: memory and the time to the first token are told, in the threads asked for", async () => {
    const small = ["--prompt-tokens", "8", "--gen-tokens", "0", "--repeat", "1", "--threads", "2"];
    const { code, out } = await runCli(["bench", chatModel, ...small, "--backend", "onnx"]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /chat, pp8: first token after [\d.]+ ms; weights [\d.]+ MB, keys and values [\d.]+ MB, other [\d.]+ MB, process at most [\d.]+ MB \(ONNX Runtime Web .*threads: 2/,
    );
  });

  test("several models and replies at once in one table", async () => {
    const small = ["--prompt-tokens", "0", "--gen-tokens", "4", "--batch", "1,2", "--repeat", "1"];
    const { code, out } = await runCli(["bench", chatModel, nano, ...small, "--precision", "exact", ...reference]);
    expect(code).toBe(0);
    const rows = out.split("\n").filter((line) => /^\| \S/.test(line) && !line.startsWith("| model"));
    const cells = rows.map((row) => row.split("|").map((cell) => cell.trim()));
    expect(cells.map((row) => row[4])).toEqual(["tg4", "tg4 x2", "tg4", "tg4 x2"]);
    expect(new Set(cells.map((row) => row[1])).size).toBe(2);
  });
});

describe("doctor", () => {
  test("says what there is, and why there is no WebGPU", async () => {
    const { code, out, notes } = await runCli(["doctor", "--json"]);
    const report = JSON.parse(out);
    expect(report).toMatchObject({ node: process.version, webgpu: expect.any(Boolean) });
    // Without WebGPU models run on ONNX Runtime, which the tests' packages include.
    expect([code, notes.length]).toEqual([0, 0]);
    expect(report.backend).toBe(report.webgpu ? "webgpu" : "onnx");
    if (!report.webgpu) expect(report.reason).toContain("WebGPU");
    if (report.webgpu) expect(report.adapter.limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8);
  });
});
