// The GGUF reader on every real file of the fixture folder: models of many architectures and weight types, and
// vocabularies up to 262,144 tokens. What is read must fill the file: nothing between tensors but padding.

import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { inspectFile } from "../../src/files/inspect";
import { memorySource } from "../../src/files/memory_source";
import { openNodeFile } from "../../src/files/node_file";
import { openWeights } from "../../src/files/open";
import { expectFennecError } from "../support/expect_error";

const root = process.env.FENNEC_FIXTURES;
if (!root) throw new Error("Set FENNEC_FIXTURES to the fixture folder (see README, Tests).");

const filesUnder = (folder: string, ending: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`);

const models = ["arch", "trained", "nano", "third-party/stories260K"].flatMap((folder) => filesUnder(folder, ".gguf"));
const vocabularies = filesUnder("third-party/vocab", ".gguf.gz");
const everything = { architectures: new Set<string>(), types: new Set<string>() };

test("the files are there", () => {
  expect(models.length).toBeGreaterThanOrEqual(30);
  expect(vocabularies.length).toBeGreaterThanOrEqual(10);
});

describe.each(models)("%s", (name) => {
  test("is read from first to last byte", async () => {
    const file = await openWeights(await openNodeFile(join(root, name)));
    const tensors = [...file.tensors.values()].sort((a, b) => a.offset - b.offset);
    const gaps = tensors.slice(1).map(({ offset }, i) => offset - tensors[i]!.offset - tensors[i]!.bytes);
    expect(Math.max(0, ...gaps)).toBeLessThan(32);
    const last = tensors.at(-1)!;
    expect(statSync(join(root, name)).size - last.offset - last.bytes).toBeLessThan(32);

    const seen = inspectFile(file, everything);
    expect(seen.architecture).toBe(file.metadata.get("general.architecture"));
    expect(seen.parameters).toBeGreaterThan(100_000);
    expect(seen.layers).toBeGreaterThan(0);
    file.dispose();
  });

  test("cut in the middle of its last tensor is refused", async () => {
    const bytes = await readFile(join(root, name));
    await expectFennecError(() => openWeights(memorySource(bytes.subarray(0, -100))), "file-truncated");
  });
});

test.each(vocabularies)("%s has a type for each token", async (name) => {
  const file = await openWeights(memorySource(gunzipSync(await readFile(join(root, name))), name));
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  const types = file.metadata.get("tokenizer.ggml.token_type");
  expect(Array.isArray(tokens) && tokens.every((token) => typeof token === "string" && token !== "")).toBe(true);
  expect(types).toHaveLength((tokens as readonly string[]).length);
  expect(file.tensors.size).toBe(0);
});
