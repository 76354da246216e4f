// From what an application has in hand to bytes.

import { readFile, utimes, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openNodeFile } from "../../../src/files/node_file";
import { openSource, type Source } from "../../../src/files/open_source";
import { setPathOpener } from "../../../src/files/platform";
import { STREAM_CHUNK_BYTES } from "../../../src/files/source_util";
import { expectFennecError } from "../../support/expect_error";
import { fileServer } from "../../support/file_server";
import { temporaryFolder } from "../../support/gguf_file";

const content = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = folder.file("model.gguf");
  await writeFile(path, content);
});
afterEach(async () => {
  setPathOpener(undefined);
  await folder.remove();
});

const kinds: readonly (readonly [name: string, make: () => Source])[] = [
  ["an ArrayBuffer", () => content.slice().buffer],
  ["a Uint8Array in the middle of a buffer", () => new Uint8Array([0, ...content, 0]).subarray(1, 1001)],
  ["a Blob", () => new Blob([content])],
  ["a File", () => new File([content], "picked.gguf", { lastModified: 5 })],
  ["a path", () => path],
  ["a file: URL", () => pathToFileURL(path)],
  ["a file: URL as text", () => pathToFileURL(path).href],
];

describe.each(kinds)("%s", (_name, make) => {
  test("is read and streamed, and refuses what is past the end", async () => {
    setPathOpener(openNodeFile);
    const source = await openSource(make());
    expect(source.size).toBe(1000);
    expect(await source.read(10, 5)).toEqual(content.slice(10, 15));
    expect(await source.read(1000, 0)).toEqual(new Uint8Array(0));
    const pieces: Uint8Array[] = [];
    for await (const piece of source.stream(990, 10)) pieces.push(piece);
    expect(pieces).toEqual([content.slice(990)]);
    await expectFennecError(() => source.read(990, 11), "file-truncated", "ends at 1000");
    await expectFennecError(() => source.read(-1, 2), "invalid-argument");
    await expectFennecError(() => source.read(0, 1.5), "invalid-argument");
    await expectFennecError(() => source.read(0, 1, AbortSignal.abort()), "aborted");
    source.dispose();
    source.dispose();
  });
});

test("a source passes as it is", async () => {
  const source = await openSource(content);
  expect(await openSource(source)).toBe(source);
});

test("reads of memory are copies", async () => {
  const source = await openSource(content);
  (await source.read(0, 10)).fill(0);
  expect(await source.read(0, 10)).toEqual(content.slice(0, 10));
});

test("a stream comes in chunks of a few MiB", async () => {
  const source = await openSource(new Blob([new Uint8Array(2 * STREAM_CHUNK_BYTES + 3)]));
  const lengths: number[] = [];
  for await (const piece of source.stream(0, source.size)) lengths.push(piece.length);
  expect(lengths).toEqual([STREAM_CHUNK_BYTES, STREAM_CHUNK_BYTES, 3]);
});

test("an http URL, as text and as URL", async () => {
  const server = await fileServer(content);
  for (const url of [server.url, server.url.href]) {
    expect(await (await openSource(url)).read(5, 5)).toEqual(content.slice(5, 10));
  }
  await server.close();
});

test("paths need a platform that opens them", async () => {
  await expectFennecError(() => openSource(path), "source-unreadable", "Node entry");
  await expectFennecError(() => openSource(pathToFileURL(path)), "source-unreadable", "Node entry");
});

describe("a file on disk", () => {
  test.each([
    ["is not there", () => folder.file("other.gguf"), "ENOENT"],
    ["is a folder", () => folder.path, "not a file"],
    ["has a zero byte in its name", () => "a\0b", "cannot be read"],
  ])("that %s", async (_name, name, word) => {
    await expectFennecError(() => openNodeFile(name()), "source-unreadable", word);
  });

  test("that is written while it is open is noticed", async () => {
    const source = await openNodeFile(path);
    await source.read(0, 10);
    await writeFile(
      path,
      content.map((byte) => byte + 1),
    );
    await utimes(path, 1, 1); // whatever the clock's resolution
    await expectFennecError(() => source.read(0, 10), "source-changed", "written while it was open");
    source.dispose();
  });

  test("that gets shorter is noticed", async () => {
    const source = await openNodeFile(path);
    await writeFile(path, content.slice(0, 100));
    await expectFennecError(() => source.read(50, 100), "source-changed");
    source.dispose();
  });

  test("after dispose", async () => {
    const source = await openNodeFile(path);
    source.dispose();
    await expectFennecError(() => source.read(0, 1), "disposed");
  });

  test("has an identity that changes with its content", async () => {
    const first = await openNodeFile(path);
    await writeFile(path, await readFile(path));
    await utimes(path, 99, 99);
    const second = await openNodeFile(path);
    expect(first.identity).not.toBe(second.identity);
    first.dispose();
    second.dispose();
  });
});
