// Where a model's files may be: a folder on disk, on a server, chosen in a page; and what is refused.

import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FennecError } from "../../src/errors";
import { memorySource } from "../../src/files/memory_source";
import { openNodeFile } from "../../src/files/node_file";
import { setPathOpener } from "../../src/files/platform";
import { openModel } from "../../src/open_model";
import { expectFennecError } from "../support/expect_error";
import { temporaryFolder } from "../support/gguf_file";
import { ggufBytes } from "../support/gguf_writer";
import { packedFolder } from "../support/packed_folder";
import { packedMatrix } from "../support/packed_weights";
import { randomModel } from "../support/random_model";

const { plain } = packedFolder("mlx", { bits: 4, group: 64 }, (rows, cols, index) =>
  packedMatrix("mlx", { bits: 4, group: 64, rows, cols, seed: index }),
);
const files = new Map<string, Uint8Array<ArrayBuffer>>();
for (const name of ["config.json", "model.safetensors"]) {
  const source = (await plain.open(name))!;
  files.set(name, await source.read(0, source.size));
}
const folder = await temporaryFolder();
beforeAll(async () => {
  setPathOpener(openNodeFile);
  for (const [name, bytes] of files) await writeFile(folder.file(name), bytes);
  await writeFile(folder.file("one.gguf"), ggufBytes(randomModel({ dim: 32 })));
});
afterAll(async () => {
  setPathOpener(undefined);
  await folder.remove();
});

/** 7 projections, 4 norms less one, the embedding. */
const TENSORS = 11;

test("a folder's path", async () => {
  const file = await openModel(folder.path);
  expect([file.format, file.tensors.size]).toEqual(["safetensors", TENSORS]);
  file.dispose();
});

test("a file's path", async () => {
  const file = await openModel(folder.file("one.gguf"));
  expect(file.format).toBe("gguf");
  file.dispose();
});

test("files that were chosen", async () => {
  const file = await openModel([...files].map(([name, bytes]) => new File([bytes], name)));
  expect(file.tensors.size).toBe(TENSORS);
});

test.each([
  ["hf:owner/repo", "hf:owner/repo/config.json"],
  ["hf:owner/repo@v2", "hf:owner/repo/config.json@v2"],
  ["https://example.org/models/a/", "https://example.org/models/a/config.json"],
  ["https://example.org/a/?token=1", "https://example.org/a/config.json?token=1"],
])("%s asks for %s first", async (source, first) => {
  const asked: string[] = [];
  const openNamed = (name: string | URL) => {
    asked.push(String(name));
    const bytes = files.get(
      String(name)
        .replace(/[?@].*$/, "")
        .split("/")
        .at(-1)!,
    );
    if (!bytes)
      return Promise.reject(new FennecError("source-unreadable", `${name}: the server answered 404. Not there.`));
    return Promise.resolve(memorySource(bytes));
  };
  const file = await openModel(source, { openNamed });
  expect(asked[0]).toBe(first);
  expect(file.tensors.size).toBe(TENSORS);
});

test.each([
  ["no files", []],
  ["files that do not belong together", [new File(["a"], "a.txt"), new File(["b"], "b.gguf")]],
])("%s", async (_name, chosen) => {
  await expectFennecError(() => openModel(chosen), "invalid-argument", "files");
});

test("a path where nothing is", async () => {
  await expectFennecError(() => openModel(folder.file("nothing")), "source-unreadable", "nothing");
});
