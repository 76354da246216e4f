// The URL source against a local server that misbehaves.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HEAD_BYTES } from "../../../src/files/http";
import { openUrl } from "../../../src/files/url_source";
import { expectFennecError } from "../../support/expect_error";
import { type FileServer, fileServer } from "../../support/file_server";
import { random32 } from "../../support/random_weights";

const next = random32(7);
const content = Uint8Array.from({ length: HEAD_BYTES + 300_001 }, () => next());
const fast = { retryDelayMs: 1 };

let server: FileServer;
beforeEach(async () => {
  server = await fileServer(content);
});
afterEach(() => server.close());

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return new Uint8Array(Buffer.concat(parts));
}

/** `toEqual` takes seconds for large arrays. */
function expectBytes(got: Uint8Array, want: Uint8Array): void {
  expect(got.length).toBe(want.length);
  expect(Buffer.compare(got, want)).toBe(0);
}

describe("a server with ranges", () => {
  test("one request tells size and identity and brings the head", async () => {
    const source = await openUrl(server.url, fast);
    expect(source.size).toBe(content.length);
    expect(source.identity).toContain('"v1"');
    expectBytes(await source.read(100, 50), content.slice(100, 150));
    expect(server.log).toEqual([`bytes=0-${HEAD_BYTES - 1}`]);
  });

  test.each([
    ["across the end of the head", HEAD_BYTES - 10, 20],
    ["to the last byte", content.length - 5, 5],
    ["of no bytes", 17, 0],
    ["of everything", 0, content.length],
  ])("reads %s", async (_name, offset, length) => {
    const source = await openUrl(server.url, fast);
    expectBytes(await source.read(offset, length), content.slice(offset, offset + length));
    expectBytes(await collect(source.stream(offset, length)), content.slice(offset, offset + length));
  });

  test("past the end is refused without a request", async () => {
    const source = await openUrl(server.url, fast);
    await expectFennecError(() => source.read(content.length - 1, 2), "file-truncated", String(content.length));
    expect(server.log).toHaveLength(1);
  });

  test("a stream that is left early stops the transfer", async () => {
    const source = await openUrl(server.url, fast);
    for await (const chunk of source.stream(0, content.length)) {
      expect(chunk.length).toBeLessThan(content.length);
      break;
    }
    expectBytes(await source.read(HEAD_BYTES, 10), content.slice(HEAD_BYTES, HEAD_BYTES + 10));
  });
});

describe("reads that follow each other", () => {
  const at = (i: number) => HEAD_BYTES + i * 20_000;

  test("share one request from the second on, over small gaps too", async () => {
    const source = await openUrl(server.url, fast);
    for (let i = 0; i < 10; i++) expectBytes(await source.read(at(i), 19_000), content.slice(at(i), at(i) + 19_000));
    expect(server.log).toHaveLength(3);
    source.dispose();
  });

  test("in streams, up to the end of the file", async () => {
    const source = await openUrl(server.url, fast);
    const pieces: Uint8Array[] = [];
    for (let offset = 0; offset < content.length; offset += 70_000) {
      pieces.push(await collect(source.stream(offset, Math.min(70_000, content.length - offset))));
    }
    expectBytes(new Uint8Array(Buffer.concat(pieces)), content);
    expect(server.log).toHaveLength(3);
  });

  test("go on through a dropped connection", async () => {
    const source = await openUrl(server.url, fast);
    await source.read(at(0), 20_000);
    server.behaviour.dropAfter = [50_000];
    for (let i = 1; i < 10; i++) expectBytes(await source.read(at(i), 20_000), content.slice(at(i), at(i) + 20_000));
    source.dispose();
  });

  test("backwards or far away are requests of their own", async () => {
    const source = await openUrl(server.url, fast);
    for (const i of [9, 3, 9, 0]) expectBytes(await source.read(at(i), 100), content.slice(at(i), at(i) + 100));
    expect(server.log).toHaveLength(5);
  });

  test("at the same time do not disturb each other", async () => {
    const source = await openUrl(server.url, fast);
    await source.read(at(0), 20_000);
    const reads = [1, 2, 3, 2, 1].map(async (i) =>
      expectBytes(await source.read(at(i), 20_000), content.slice(at(i), at(i) + 20_000)),
    );
    await Promise.all(reads);
    source.dispose();
  });

  test("notice an abort, and the next read works", async () => {
    const source = await openUrl(server.url, fast);
    await source.read(at(0), 20_000);
    await source.read(at(1), 20_000);
    const controller = new AbortController();
    await expectFennecError(async () => {
      for await (const _piece of source.stream(at(2), 150_000, controller.signal)) controller.abort();
    }, "aborted");
    expectBytes(await source.read(at(2), 100), content.slice(at(2), at(2) + 100));
    source.dispose();
  });
});

describe("a connection that drops", () => {
  test("is resumed at the byte where it broke", async () => {
    const source = await openUrl(server.url, fast);
    server.behaviour.dropAfter = [100_000, 50_000];
    const start = HEAD_BYTES;
    expectBytes(await source.read(start, 300_000), content.slice(start, start + 300_000));
    expect(server.log.slice(1)).toHaveLength(3);
    expect(server.sent()).toBeLessThan(content.length + 10_000); // nothing twice
  });

  test("is given up after five attempts that bring nothing", async () => {
    const source = await openUrl(server.url, fast);
    server.behaviour.dropAfter = new Array(100).fill(0);
    await expectFennecError(() => source.read(HEAD_BYTES, 1000), "source-unreadable", "cannot be fetched");
    expect(server.log).toHaveLength(1 + 5);
  });

  test("may break often while it makes progress", async () => {
    const source = await openUrl(server.url, fast);
    server.behaviour.dropAfter = new Array(4).fill(70_000);
    expectBytes(await source.read(HEAD_BYTES, 300_000), content.slice(HEAD_BYTES, HEAD_BYTES + 300_000));
  });

  test("is made again when nothing comes any more", async () => {
    const source = await openUrl(server.url, { ...fast, stallMs: 50 });
    server.behaviour.onRequest = () => (server.log.length === 2 ? new Promise(() => {}) : undefined);
    expectBytes(await source.read(HEAD_BYTES, 10), content.slice(HEAD_BYTES, HEAD_BYTES + 10));
    expect(server.log).toHaveLength(3);
  });

  test("503 is tried again, on opening too", async () => {
    server.behaviour.answers = [503];
    const source = await openUrl(server.url, fast);
    server.behaviour.answers = [429, 500];
    expectBytes(await source.read(HEAD_BYTES, 10), content.slice(HEAD_BYTES, HEAD_BYTES + 10));
  });
});

describe("a file that changes on the server", () => {
  test.each([
    ["another etag", () => (server.behaviour.etag = '"v2"')],
    ["another size", () => (server.behaviour.content = content.slice(0, -1))],
    ["shorter than the offset", () => (server.behaviour.content = content.slice(0, 10))],
  ])("is noticed: %s", async (_name, change) => {
    const source = await openUrl(server.url, fast);
    change();
    await expectFennecError(() => source.read(HEAD_BYTES, 1000), "source-changed", "another version");
  });

  test("is noticed without etags by its size", async () => {
    server.behaviour.etag = undefined;
    const source = await openUrl(server.url, fast);
    server.behaviour.content = content.slice(0, -1);
    await expectFennecError(() => source.read(HEAD_BYTES, 1000), "source-changed");
  });

  test("is noticed when a dropped connection is resumed", async () => {
    const source = await openUrl(server.url, fast);
    server.behaviour.dropAfter = [1000];
    server.behaviour.onRequest = () => {
      if (server.log.length === 3) server.behaviour.etag = '"v2"';
    };
    await expectFennecError(() => source.read(HEAD_BYTES, 100_000), "source-changed");
  });
});

describe("a server without ranges", () => {
  test("gives a small file, held in memory", async () => {
    server.behaviour.ranges = false;
    const source = await openUrl(server.url, fast);
    expectBytes(await source.read(HEAD_BYTES, 100), content.slice(HEAD_BYTES, HEAD_BYTES + 100));
  });

  test("that does not say the length either", async () => {
    server.behaviour.ranges = false;
    server.behaviour.length = false;
    const source = await openUrl(server.url, fast);
    expect(source.size).toBe(content.length);
  });

  test("is read past what a dropped connection brought", async () => {
    server.behaviour.ranges = false;
    server.behaviour.dropAfter = [content.length, 200_000];
    const source = await openUrl(server.url, fast);
    expectBytes(await source.read(0, content.length), content);
  });

  test("is refused for a large file, before it is downloaded", async () => {
    server.behaviour.ranges = false;
    server.behaviour.content = new Uint8Array((64 << 20) + 1);
    await expectFennecError(() => openUrl(server.url, fast), "source-unreadable", "Range", "cache");
  });
});

test("a server that sends another range than asked for is refused", async () => {
  const source = await openUrl(server.url, fast);
  server.behaviour.shift = 10;
  await expectFennecError(() => source.read(HEAD_BYTES, 100), "source-unreadable", `from ${HEAD_BYTES + 10} on`);
});

describe("a request that cannot succeed", () => {
  test.each([
    ["no such file", 404, "no such file"],
    ["not public", 401, "access token"],
    ["terms not accepted", 403, "access token"],
    ["a teapot", 418, "418"],
  ])("%s: one attempt", async (_name, status, word) => {
    server.behaviour.answers = [status];
    await expectFennecError(() => openUrl(server.url, fast), "source-unreadable", word);
    expect(server.log).toHaveLength(1);
  });

  test("nobody listens", async () => {
    await server.close();
    await expectFennecError(() => openUrl(server.url, fast), "source-unreadable", "cannot be fetched");
    server = await fileServer(content);
  });

  test("secrets in the query stay out of messages", async () => {
    const url = new URL(`${server.url.href}?token=secret`);
    server.behaviour.answers = [404];
    const error = await expectFennecError(() => openUrl(url, fast), "source-unreadable");
    expect(error.message).not.toContain("secret");
  });
});

describe("abort", () => {
  test("before opening", async () => {
    await expectFennecError(() => openUrl(server.url, { ...fast, signal: AbortSignal.abort() }), "aborted");
    expect(server.log).toHaveLength(0);
  });

  test("in the middle of a stream", async () => {
    const source = await openUrl(server.url, fast);
    const controller = new AbortController();
    await expectFennecError(async () => {
      for await (const _chunk of source.stream(0, content.length, controller.signal)) controller.abort();
    }, "aborted");
  });

  test("while the server is silent", async () => {
    const source = await openUrl(server.url, fast);
    const controller = new AbortController();
    server.behaviour.onRequest = () => {
      controller.abort();
      return new Promise(() => {});
    };
    await expectFennecError(() => source.read(HEAD_BYTES, 10, controller.signal), "aborted");
  });

  test("while waiting for the next attempt", async () => {
    const source = await openUrl(server.url, { retryDelayMs: 3_600_000 });
    const controller = new AbortController();
    server.behaviour.answers = [503];
    server.behaviour.onRequest = () => void setTimeout(() => controller.abort(), 20);
    await expectFennecError(() => source.read(HEAD_BYTES, 10, controller.signal), "aborted");
  });
});
