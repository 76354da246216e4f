// fennec quantize on files: the new file is whole or not there, and no mistake costs an old one.

import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memorySource } from "../../../src/files/memory_source";
import { openWeights } from "../../../src/files/open";
import { runCli } from "../../support/cli";
import { temporaryFolder } from "../../support/gguf_file";

const nano = "test/fixtures/nano/llama-nano-F32.gguf";
const notFinite = 0x7fc0_0000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

test("writes a file of the type asked for, with a line for each tensor, and leaves nothing else", async () => {
  await mkdir(folder.file("fresh"));
  const out = folder.file("fresh/q8.gguf");
  const { code, out: text, notes } = await runCli(["quantize", nano, out, "--type", "Q8_0", "--keep", "*attn_q*=F16"]);
  expect(notes).toEqual([]);
  expect(code).toBe(0);
  expect(await readdir(folder.file("fresh"))).toEqual(["q8.gguf"]);
  const file = await openWeights(memorySource(new Uint8Array(await readFile(out)), out));
  expect(file.tensors.get("blk.0.attn_q.weight")?.type).toBe("F16");
  expect(file.tensors.get("blk.0.attn_k.weight")?.type).toBe("Q8_0");
  expect(text).toMatch(/^blk\.0\.attn_k\.weight .* F32 +-> Q8_0 +rmse \d.*max \d/m);
  expect(text.trim().split("\n")).toHaveLength(file.tensors.size + 1);
});

test("--json is one object with every tensor", async () => {
  const { out } = await runCli(["quantize", nano, folder.file("q4.gguf"), "--type", "Q4_0", "--json"]);
  const report = JSON.parse(out);
  expect(report).toMatchObject({ in: nano, type: "Q4_0", bytes: (await readFile(folder.file("q4.gguf"))).length });
  expect(report.tensors[0]).toMatchObject({ from: "F32" });
});

describe("misuse", () => {
  const cases: readonly (readonly [why: string, argv: (out: string) => readonly string[], says: string])[] = [
    ["no OUT", () => [nano, "--type", "Q8_0"], "the file to write"],
    ["no type", (out) => [nano, out], "--type"],
    ["an unknown type", (out) => [nano, out, "--type", "Q3_X"], '"Q3_X"'],
    ["a rule without a type", (out) => [nano, out, "--type", "Q8_0", "--keep", "output.weight"], "NAME=TYPE"],
    ["a rule for no tensor", (out) => [nano, out, "--type", "Q8_0", "--keep", "zzz=F16"], '"zzz"'],
    ["three files", (out) => [nano, out, "more", "--type", "Q8_0"], '"more"'],
  ];
  test.each(cases)("%s", async (_why, argv, says) => {
    const { code, notes } = await runCli(["quantize", ...argv(folder.file("never.gguf"))]);
    expect(code).toBe(2);
    expect(notes).toEqual([expect.stringContaining(says)]);
    expect(await readdir(folder.path)).not.toContain("never.gguf");
  });
});

describe("files that are there already", () => {
  test("are kept, unless --force", async () => {
    const out = folder.file("kept.gguf");
    await writeFile(out, "precious");
    const { code, notes } = await runCli(["quantize", nano, out, "--type", "Q8_0"]);
    expect(code).toBe(2);
    expect(notes[0]).toContain("--force");
    expect(await readFile(out, "utf8")).toBe("precious");
    expect((await runCli(["quantize", nano, out, "--type", "Q8_0", "--force"])).code).toBe(0);
    expect((await readFile(out)).subarray(0, 4).toString()).toBe("GGUF");
  });

  test.each(["itself", "a symbolic link"])("IN is never OUT: %s", async (kind) => {
    const model = folder.file(`in-${kind.length}.gguf`);
    const out = kind === "itself" ? model : `${model}.link`;
    const bytes = await readFile(nano);
    await writeFile(model, bytes);
    if (kind === "a symbolic link") await symlink(model, out);
    const { code } = await runCli(["quantize", model, out, "--type", "Q8_0", "--force"]);
    expect(code).toBe(2);
    expect((await readFile(model)).equals(bytes)).toBe(true);
  });
});

describe("what fails leaves nothing behind", () => {
  test("a weight that is no number, in the middle of the file", async () => {
    await mkdir(folder.file("nan"));
    const bytes = new Uint8Array(await readFile(nano));
    const file = await openWeights(memorySource(bytes, nano));
    const last = [...file.tensors.values()].filter(({ shape }) => shape.length === 2).at(-1)!;
    new DataView(bytes.buffer).setUint32(last.offset, notFinite, true);
    await writeFile(folder.file("nan/in.gguf"), bytes);
    const run = await runCli(["quantize", folder.file("nan/in.gguf"), folder.file("nan/out.gguf"), "--type", "Q4_0"]);
    expect(run.code).toBe(1);
    expect(run.notes).toEqual([expect.stringContaining(last.name)]);
    expect(await readdir(folder.file("nan"))).toEqual(["in.gguf"]);
  });

  test("Ctrl-C on the way", async () => {
    await mkdir(folder.file("stopped"));
    const controller = new AbortController();
    const argv = ["quantize", nano, folder.file("stopped/out.gguf"), "--type", "Q4_0"];
    const { code, notes } = await runCli(argv, { signal: controller.signal, onOut: () => controller.abort() });
    expect(code).not.toBe(0);
    expect(notes).toEqual([expect.stringContaining("aborted")]);
    expect(await readdir(folder.file("stopped"))).toEqual([]);
  });

  test("a folder that is not there", async () => {
    const { code, notes } = await runCli(["quantize", nano, folder.file("nowhere/x.gguf"), "--type", "Q4_0"]);
    expect(code).toBe(1);
    expect(notes).toEqual([expect.stringContaining("nowhere/x.gguf: cannot be written")]);
  });
});
