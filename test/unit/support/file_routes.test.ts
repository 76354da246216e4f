// The server of test files: a wrong range here would look like a fault of the URL source.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningServer, serveFolder } from "../../support/page_server";

const folder = mkdtempSync(join(tmpdir(), "fennec-routes-"));
let server: RunningServer;

beforeAll(async () => {
  writeFileSync(join(folder, "ten bytes.bin"), "0123456789");
  server = await serveFolder(folder);
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

test.each([
  { name: "no range", range: undefined, status: 200, body: "0123456789", contentRange: null },
  { name: "first bytes", range: "bytes=0-3", status: 206, body: "0123", contentRange: "bytes 0-3/10" },
  { name: "to the end", range: "bytes=7-", status: 206, body: "789", contentRange: "bytes 7-9/10" },
  { name: "last bytes", range: "bytes=-2", status: 206, body: "89", contentRange: "bytes 8-9/10" },
  { name: "past the end", range: "bytes=8-99", status: 206, body: "89", contentRange: "bytes 8-9/10" },
  { name: "all past the end", range: "bytes=10-12", status: 416, body: "", contentRange: "bytes */10" },
  {
    name: "several ranges are not supported",
    range: "bytes=0-1,4-5",
    status: 200,
    body: "0123456789",
    contentRange: null,
  },
])("$name", async ({ range, status, body, contentRange }) => {
  const response = await fetch(`${server.url}ten%20bytes.bin?query`, { headers: range ? { range } : {} });
  expect(response.status).toBe(status);
  expect(await response.text()).toBe(body);
  expect(response.headers.get("content-range")).toBe(contentRange);
  expect(response.headers.get("etag")).toMatch(/^"/);
});

test.each(["nothing.bin", "%2e%2e/%2e%2e/etc/passwd", ""])("%s is not found", async (path) => {
  expect((await fetch(server.url + path)).status).toBe(404);
});
