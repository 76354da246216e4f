// Downloads that are kept: into a folder and into memory, from a local server that misbehaves.

import { createHash } from "node:crypto";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CacheStore, deleteCached, entryName, listCached } from "../../../src/files/cache";
import {
  type CachedOptions,
  type CachedSource,
  type DownloadProgress,
  openCached,
} from "../../../src/files/cached_source";
import { nodeCache } from "../../../src/files/node_cache";
import { openWeights } from "../../../src/files/open";
import { expectFennecError } from "../../support/expect_error";
import { type FileServer, fileServer } from "../../support/file_server";
import { temporaryFolder } from "../../support/gguf_file";
import { type MemoryStore, memoryStore } from "../../support/memory_store";
import { storeSuite } from "../../support/store_suite";

const PART_BYTES = 1 << 20;

/** Two whole parts and a piece; compressible to look at, different at every place. */
const content = new Uint8Array(
  Uint32Array.from({ length: (2 * PART_BYTES + 300_000) / 4 }, (_, i) => i * 2654435761).buffer,
);
const hash = createHash("sha256").update(content).digest("hex");

let server: FileServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: CacheStore;
let options: CachedOptions;

beforeEach(async () => {
  server = await fileServer(content);
  folder = await temporaryFolder();
  store = await nodeCache(folder.path);
  options = { cache: store, retryDelayMs: 1, partBytes: PART_BYTES };
});
afterEach(async () => {
  await server.close();
  await folder.remove();
});

async function expectContent(source: CachedSource): Promise<void> {
  expect(source.size).toBe(content.length);
  expect(Buffer.compare(await source.read(0, content.length), content)).toBe(0);
  const pieces: Uint8Array[] = [];
  for await (const piece of source.stream(PART_BYTES - 5, PART_BYTES + 10)) pieces.push(piece);
  expect(Buffer.compare(Buffer.concat(pieces), content.subarray(PART_BYTES - 5, 2 * PART_BYTES + 5))).toBe(0);
}

/** Lets the download store some of the file, then cuts it for good. */
async function halfway(bytes: number): Promise<void> {
  server.behaviour.dropAfter = [1 << 30, bytes, ...new Array(10).fill(0)];
  const source = await openCached(server.url, options);
  await expectFennecError(() => source.done, "source-unreadable");
  server.behaviour.dropAfter = [];
  server.log.length = 0;
}

function closedGate(): { gate: Promise<void>; release: () => void } {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { gate, release };
}

describe("a first download", () => {
  test("is one pass, readable while it comes and after", async () => {
    const source = await openCached(server.url, options);
    expect(source.cached).toBe(false);
    expect(await source.read(0, 1000)).toEqual(content.slice(0, 1000));
    await source.done;
    await expectContent(source);
    expect(server.log).toHaveLength(2);
    expect(server.sent()).toBe(content.length);
  });

  test("serves the front before the end has come", async () => {
    const { gate, release } = closedGate();
    server.behaviour.onRequest = () => (server.log.length === 2 ? gate : undefined);
    const source = await openCached(server.url, options);
    expect(await source.read(0, 100_000)).toEqual(content.slice(0, 100_000));
    release();
    await expectContent(source);
  });

  test("reports progress up to the end", async () => {
    const progress: DownloadProgress[] = [];
    const source = await openCached(server.url, { ...options, onProgress: (p) => progress.push(p) });
    await source.done;
    expect(progress.at(-1)).toEqual({ phase: "downloading", loadedBytes: content.length, totalBytes: content.length });
    expect(progress.every(({ totalBytes }) => totalBytes === content.length)).toBe(true);
  });

  test("goes on through dropped connections", async () => {
    server.behaviour.dropAfter = [1 << 30, 500_000, 1_400_000];
    await expectContent(await openCached(server.url, options));
  });

  test.each([
    ["without ranges", true],
    ["without ranges or a length", false],
  ])("from a server %s", async (_name, length) => {
    server.behaviour.ranges = false;
    server.behaviour.length = length;
    await expectContent(await openCached(server.url, options));
  });

  test("of a model opens as one", async () => {
    server.behaviour.content = await readFile(new URL("../../fixtures/nano/llama-nano-F32.gguf", import.meta.url));
    const file = await openWeights(await openCached(server.url, options));
    expect(file.metadata.get("general.architecture")).toBe("llama");
  });

  test("of nothing at all", async () => {
    server.behaviour.content = new Uint8Array(0);
    const source = await openCached(server.url, options);
    expect(source.size).toBe(0);
    await source.done;
  });
});

describe("a second visit", () => {
  test("needs no server", async () => {
    await (await openCached(server.url, options)).done;
    await server.close();
    const progress: DownloadProgress[] = [];
    const source = await openCached(server.url, { ...options, onProgress: (p) => progress.push(p) });
    expect(source.cached).toBe(true);
    expect(progress).toEqual([{ phase: "cached", loadedBytes: content.length, totalBytes: content.length }]);
    await expectContent(source);
    server = await fileServer(content);
  });

  test.each([{}, { sha256: hash }])("has the same identity as the first: %o", async (promise) => {
    const first = await openCached(server.url, { ...options, ...promise });
    await first.done;
    const second = await openCached(server.url, options);
    expect(second.identity).toBe(first.identity);
    expect(second.identity).not.toBe("");
  });

  test.each([
    [
      "a part is gone",
      (name: string) => folder.file(name),
      async (path: string) => (await import("node:fs/promises")).rm(path),
    ],
    ["a part is shorter", (name: string) => folder.file(name), (path: string) => truncate(path, 17)],
  ])("fetches again what is missing: %s", async (_name, path, damage) => {
    await (await openCached(server.url, options)).done;
    const part = (await readdir(folder.path)).find((name) => name.endsWith(".00001"))!;
    await damage(path(part));
    await expectContent(await openCached(server.url, options));
  });

  test("starts over when the manifest is damaged", async () => {
    await (await openCached(server.url, options)).done;
    for (const text of ["", "{", "null", '{"complete":true}', '{"url":5}']) {
      await writeFile(folder.file(`${entryName(server.url)}.json`), text);
      const source = await openCached(server.url, options);
      expect(source.cached).toBe(false);
      await source.done;
    }
    await expectContent(await openCached(server.url, options));
  });
});

describe("a download that was cut short", () => {
  test.each([
    ["in the first part", 400_000],
    ["in a later part", PART_BYTES + 234_567],
  ])("%s goes on where it stopped", async (_name, bytes) => {
    await halfway(bytes);
    const before = server.sent();
    const source = await openCached(server.url, options);
    await expectContent(source);
    expect(server.sent() - before).toBeLessThan(content.length - bytes + 300_000);
    expect(server.log.at(-1)).toMatch(new RegExp(`^bytes=[1-9]\\d+-${content.length - 1}$`));
  });

  test("is listed with what is there", async () => {
    await halfway(PART_BYTES + 1000);
    const [entry, ...others] = await listCached(store);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ url: server.url.href, size: content.length, complete: false });
    expect(entry!.bytes).toBeGreaterThan(PART_BYTES);
  });

  test.each([
    ["etag", () => (server.behaviour.etag = '"v2"')],
    ["size", () => (server.behaviour.content = content.slice(0, -4))],
    ["nothing to tell versions apart", () => (server.behaviour.etag = undefined)],
  ])("starts over for another version: %s", async (_name, change) => {
    await halfway(PART_BYTES + 1000);
    change();
    const sent = server.sent();
    const source = await openCached(server.url, options);
    await source.done;
    expect(server.sent() - sent).toBe(server.behaviour.content.length);
    expect((await readdir(folder.path)).length).toBe(4); // manifest and three parts: the old ones are gone
  });

  test("never mixes two versions when the file changes meanwhile", async () => {
    const other = content.map((byte) => byte ^ 255);
    server.behaviour.dropAfter = [1 << 30, PART_BYTES + 5];
    server.behaviour.onRequest = () => {
      if (server.log.length < 3) return;
      server.behaviour.content = other;
      server.behaviour.etag = '"v2"';
    };
    const source = await openCached(server.url, options);
    await expectFennecError(() => source.done, "source-changed");
    const again = await openCached(server.url, options);
    expect(Buffer.compare(await again.read(0, other.length), other)).toBe(0);
  });

  test("stops when the source is disposed, and keeps what came", async () => {
    server.behaviour.onRequest = () => (server.log.length === 2 ? new Promise(() => {}) : undefined);
    const source = await openCached(server.url, options);
    source.dispose();
    await expectFennecError(() => source.read(content.length - 1, 1), "disposed");
    await expectFennecError(() => source.done, "aborted");
    server.behaviour.onRequest = () => {};
    await expectContent(await openCached(server.url, options));
  });

  test("stops when the signal says so", async () => {
    const controller = new AbortController();
    server.behaviour.onRequest = () => (server.log.length === 2 ? new Promise(() => {}) : undefined);
    const source = await openCached(server.url, { ...options, signal: controller.signal });
    const waiting = source.read(content.length - 1, 1);
    controller.abort();
    await expectFennecError(() => waiting, "aborted");
  });

  test("a reader's own signal ends its waiting, not the download", async () => {
    const { gate, release } = closedGate();
    server.behaviour.onRequest = () => (server.log.length === 2 ? gate : undefined);
    const source = await openCached(server.url, options);
    const controller = new AbortController();
    const waiting = source.read(content.length - 1, 1, controller.signal);
    controller.abort();
    await expectFennecError(() => waiting, "aborted");
    release();
    await expectContent(source);
  });
});

describe("a promised SHA-256", () => {
  test.each([
    ["given by the caller", { sha256: hash }, {}],
    ["named by the server", {}, { "x-linked-etag": `"${hash}"` }],
  ])("that is right: %s", async (_name, given, headers) => {
    server.behaviour.headers = headers;
    await expectContent(await openCached(server.url, { ...options, ...given }));
    const manifest = JSON.parse(await readFile(folder.file(`${entryName(server.url)}.json`), "utf8"));
    expect(manifest).toMatchObject({ complete: true, sha256: hash });
  });

  test("that is wrong: the end is never handed out, nothing stays", async () => {
    const source = await openCached(server.url, { ...options, sha256: "0".repeat(64) });
    await source.read(0, PART_BYTES);
    await expectFennecError(() => source.read(content.length - 1, 1), "source-changed", hash, "0000");
    await expectFennecError(() => source.done, "source-changed");
    expect((await listCached(store)).filter(({ bytes }) => bytes > 0)).toEqual([]);
  });

  test("is checked over what an earlier visit left", async () => {
    server.behaviour.headers = { "x-linked-etag": hash };
    await halfway(PART_BYTES + 1000);
    await expectContent(await openCached(server.url, options));

    await deleteCached(store, server.url);
    await halfway(PART_BYTES + 1000);
    const part = (await readdir(folder.path)).find((name) => name.endsWith(".00000"))!;
    const bytes = await readFile(folder.file(part));
    bytes[1000]! ^= 1;
    await writeFile(folder.file(part), bytes);
    const source = await openCached(server.url, options);
    await expectFennecError(() => source.done, "source-changed");
    await expectContent(await openCached(server.url, options)); // a clean start afterwards
  });

  test("of the hub's pointer is used for hf: names", async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"1".repeat(64)}\nsize ${content.length}\n`;
    const hub = await fileServer(content, "/owner/repo/resolve/main/m.gguf");
    const raw = await fileServer(new TextEncoder().encode(pointer), "/owner/repo/raw/main/m.gguf");
    const fetchBefore = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      const url = new URL(String(input));
      return fetchBefore(url.pathname.includes("/raw/") ? new URL(url.pathname, raw.url) : url, init);
    };
    try {
      const source = await openCached("hf:owner/repo/m.gguf", { ...options, hub: hub.url.origin });
      await expectFennecError(() => source.done, "source-changed", "1".repeat(64));
    } finally {
      globalThis.fetch = fetchBefore;
      await hub.close();
      await raw.close();
    }
  });
});

describe("no room", () => {
  let full: MemoryStore;
  beforeEach(() => {
    full = memoryStore();
  });

  test("is refused with the numbers before anything is fetched, where the platform tells", async () => {
    full.tells = 1_000_000;
    full.quota = 2_000_000;
    await expectFennecError(
      () => openCached(server.url, { ...options, cache: full }),
      "quota-exceeded",
      String(content.length),
      "1000000",
      "2000000",
    );
    expect(server.log).toHaveLength(1);
    expect(full.pieces.size).toBe(0);
  });

  test("is reported when it turns out on the way; what fits stays for later", async () => {
    full.quota = PART_BYTES + 10_000;
    const source = await openCached(server.url, { ...options, cache: full });
    await expectFennecError(() => source.done, "quota-exceeded", `needs ${content.length - PART_BYTES} more bytes`);
    full.quota = Number.POSITIVE_INFINITY;
    server.log.length = 0;
    await expectContent(await openCached(server.url, { ...options, cache: full }));
    expect(server.log[1]).toMatch(new RegExp(`^bytes=${PART_BYTES}-`));
  });
});

describe("two at once", () => {
  test("download once; the second waits and reads what the first stored", async () => {
    const progress: DownloadProgress[] = [];
    const first = openCached(server.url, options);
    const second = openCached(server.url, { ...options, onProgress: (p) => progress.push(p) });
    await expectContent(await first);
    const late = await second;
    expect(late.cached).toBe(true);
    await expectContent(late);
    expect(progress[0]).toEqual({ phase: "waiting", loadedBytes: 0 });
    expect(server.log).toHaveLength(2);
  });

  test("without any lock, as two processes: both get the file, and the entry is whole", async () => {
    const unlocked = async () => ({
      ...(await nodeCache(folder.path)),
      exclusively: <T>(_n: string, work: () => Promise<T>) => work(),
    });
    const both = await Promise.all([
      openCached(server.url, { ...options, cache: await unlocked() }),
      openCached(server.url, { ...options, cache: await unlocked() }),
    ]);
    for (const source of both) await expectContent(source);
    await Promise.all(both.map(({ done }) => done));
    const third = await openCached(server.url, options);
    expect(third.cached).toBe(true);
    await expectContent(third);
  });
});

describe("entries", () => {
  test("are listed newest first and deleted one by one", async () => {
    const other = await fileServer(content.slice(0, 1000), "/other.gguf");
    await (await openCached(server.url, options)).done;
    await (await openCached(other.url, options)).done;
    await other.close();
    const listed = await listCached(store);
    expect(listed.map(({ url, bytes, complete }) => ({ url, bytes, complete }))).toEqual([
      { url: other.url.href, bytes: 1000, complete: true },
      { url: server.url.href, bytes: content.length, complete: true },
    ]);
    await deleteCached(store, server.url);
    expect((await listCached(store)).map(({ url }) => url)).toEqual([other.url.href]);
    expect(await readdir(folder.path)).toHaveLength(2);
  });

  test("of a URL do not depend on its fragment", () => {
    expect(entryName(new URL("http://a/b#c"))).toBe(entryName(new URL("http://a/b")));
    expect(entryName(new URL("http://a/b?c"))).not.toBe(entryName(new URL("http://a/b")));
  });
});

test("without a network and without an entry the error says so", async () => {
  await server.close();
  await expectFennecError(() => openCached(server.url, options), "source-unreadable", "cannot be fetched");
  server = await fileServer(content);
});

const suiteFolders: Awaited<ReturnType<typeof temporaryFolder>>[] = [];
afterAll(() => Promise.all(suiteFolders.map(({ remove }) => remove())));
storeSuite("a folder", async () => {
  const fresh = await temporaryFolder();
  suiteFolders.push(fresh);
  return nodeCache(fresh.path);
});
storeSuite("memory", async () => memoryStore());
