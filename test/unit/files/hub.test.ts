// Names of models on the hub, and the hash that the hub promises.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hubSha256, parseHubName, resolveModelUrl, sha256OfPointer } from "../../../src/files/hub";
import { expectFennecError } from "../../support/expect_error";
import { type FileServer, fileServer } from "../../support/file_server";

describe("hf: names", () => {
  test.each([
    ["hf:Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf", "Qwen/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q8_0.gguf"],
    ["hf:a/b/c.gguf@v1.0", "a/b/resolve/v1.0/c.gguf"],
    ["hf:a/b/folder/c.gguf", "a/b/resolve/main/folder/c.gguf"],
    ["hf:a/b/odd name#1?.gguf", "a/b/resolve/main/odd%20name%231%3F.gguf"],
    ["hf:a/b/c@d.gguf@main", "a/b/resolve/main/c%40d.gguf"],
    ["hf:a/b/c.gguf@refs/pr/7", "a/b/resolve/refs%2Fpr%2F7/c.gguf"],
  ])("%s", (name, path) => {
    expect(resolveModelUrl(name).href).toBe(`https://huggingface.co/${path}`);
  });

  test.each([
    "hf:",
    "hf:a",
    "hf:a/b",
    "hf:a/b/",
    "hf:/b/c",
    "hf:a//c",
    "hf:a/b/c/",
    "hf:a@1/b/c",
    "hf:a/b/../../../c",
    "hf:../b/c",
    "hf:a/./c",
  ])("%s is not a file", async (name) => {
    await expectFennecError(async () => parseHubName(name), "invalid-argument", "hf:owner/repo/file.gguf");
  });

  test("on another hub, with or without a path", () => {
    expect(resolveModelUrl("hf:a/b/c", "https://mirror.example").href).toBe(
      "https://mirror.example/a/b/resolve/main/c",
    );
    expect(resolveModelUrl("hf:a/b/c", "https://example.org/hub").href).toBe(
      "https://example.org/hub/a/b/resolve/main/c",
    );
  });
});

describe("URLs", () => {
  test.each([
    ["https://example.org/m.gguf?x=1", "https://example.org/m.gguf?x=1"],
    ["https://huggingface.co/a/b/blob/main/c.gguf", "https://huggingface.co/a/b/resolve/main/c.gguf"],
    ["https://huggingface.co/a/b/resolve/main/c.gguf", "https://huggingface.co/a/b/resolve/main/c.gguf"],
    ["https://example.org/a/b/blob/main/c.gguf", "https://example.org/a/b/blob/main/c.gguf"],
  ])("%s", (given, url) => {
    expect(resolveModelUrl(given).href).toBe(url);
    expect(resolveModelUrl(new URL(given)).href).toBe(url);
  });

  test.each(["model.gguf", "/tmp/model.gguf", "file:///model.gguf", "ftp://a/b", "https://", "javascript:alert(1)"])(
    "%s is refused",
    async (text) => {
      await expectFennecError(async () => resolveModelUrl(text), "invalid-argument");
    },
  );
});

describe("the hash in a pointer", () => {
  const oid = "0123456789abcdef".repeat(4);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 123\n`;

  test.each([
    ["a pointer", pointer, oid],
    ["a file of its own", "GGUF and more", undefined],
    ["a pointer without a hash", "version https://git-lfs.github.com/spec/v1\nsize 1\n", undefined],
    ["a hash that is too short", pointer.replace(oid, "0123"), undefined],
  ])("%s", (_name, text, hash) => {
    expect(sha256OfPointer(text)).toBe(hash);
  });

  let hub: FileServer;
  beforeEach(async () => {
    hub = await fileServer(new TextEncoder().encode(pointer), "/a/b/raw/main/c.gguf");
  });
  afterEach(() => hub.close());

  test("is asked of the hub", async () => {
    expect(await hubSha256("hf:a/b/c.gguf", undefined, hub.url.origin)).toBe(oid);
  });

  test.each([
    ["the hub says no", () => (hub.behaviour.answers = [404])],
    ["the file is small and has no pointer", () => (hub.behaviour.content = new Uint8Array(500))],
    [
      "the whole file comes instead of a range",
      () => {
        hub.behaviour.ranges = false;
        hub.behaviour.content = new Uint8Array(5_000_000);
      },
    ],
  ])("is not known when %s", async (_name, arrange) => {
    arrange();
    expect(await hubSha256("hf:a/b/c.gguf", undefined, hub.url.origin)).toBeUndefined();
  });
});
