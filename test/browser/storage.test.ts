// Where browsers keep models, in a real browser: both stores pass the suite, a download is kept, and the same store
// works in a worker.

import { afterEach, describe, expect, test } from "vitest";
import { browserCache } from "../../src/files/browser_cache";
import { cacheApiCache } from "../../src/files/cache_api_cache";
import { openCached } from "../../src/files/cached_source";
import { openWeights } from "../../src/files/open";
import { opfsCache } from "../../src/files/opfs_cache";
import { openUrl } from "../../src/files/url_source";
import { storeSuite } from "../support/store_suite";

const url = new URL("/fixtures/nano/llama-nano-F32.gguf", location.href);

let count = 0;
const fresh = () => `fennec-test-${count++}`;

async function there<T>(store: Promise<T | undefined>): Promise<T> {
  const found = await store;
  if (!found) throw new Error("This browser has no such storage.");
  return found;
}

afterEach(async () => {
  const root = await navigator.storage.getDirectory();
  for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
  for (const name of await caches.keys()) await caches.delete(name);
});

storeSuite("OPFS", () => there(opfsCache(fresh())));
storeSuite("the Cache API", () => there(cacheApiCache(fresh())));

test("the private file system comes first", async () => {
  expect((await there(browserCache())).kind).toBe("opfs");
});

describe.each([
  ["OPFS", opfsCache],
  ["the Cache API", cacheApiCache],
])("a model in %s", (_name, open) => {
  test("is downloaded once, and the same bytes are read back", async () => {
    const cache = await there(open(fresh()));
    const options = { cache, partBytes: 300_000 };
    const first = await openCached(url, options);
    expect(first.cached).toBe(false);
    await first.done;

    const second = await openCached(url, options);
    expect(second.cached).toBe(true);
    const file = await openWeights(second);
    const { offset, bytes } = file.tensors.get("output.weight")!;
    const want = await (await openUrl(url)).read(offset, bytes);
    expect(await crypto.subtle.digest("SHA-256", await second.read(offset, bytes))).toEqual(
      await crypto.subtle.digest("SHA-256", want),
    );
  });
});

test("two pages at once: one downloads, the other waits and then reads", async () => {
  const folder = fresh();
  const phases: string[] = [];
  const one = await there(opfsCache(folder));
  const two = await there(opfsCache(folder));
  const first = openCached(url, { cache: one });
  const second = openCached(url, { cache: two, onProgress: ({ phase }) => phases.push(phase) });
  expect((await first).cached).toBe(false);
  expect((await second).cached).toBe(true);
  expect(phases).toEqual(["waiting", "cached"]);
});

test("without createWritable (older Safari) a worker writes by sync access handles", async () => {
  const worker = new Worker(new URL("../support/sync_access_worker.ts", import.meta.url), { type: "module" });
  const answer = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage({ folder: fresh() });
  });
  worker.terminate();
  expect(answer).toEqual({ kind: "opfs", bytes: [1, 2, 3], shorter: [9], names: ["a"] });
});
