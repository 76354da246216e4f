// Lets the page open when its server does not answer: keeps the page's own files, by version. Models are not here; the
// engine keeps those. It routes and stores, and never runs a model: browsers end idle service workers.

/**
 * Filled in by the build (vite.page.config.ts): the page's files, and a hash over their contents. Large files that few
 * visits need (wasm) are not among them; those are kept when they are first used.
 */
declare const __PRECACHE__: { readonly version: string; readonly files: readonly string[] };

const worker = self as unknown as ServiceWorkerGlobalScope;
const PREFIX = "fennec-page-";
const cacheName = PREFIX + __PRECACHE__.version;

worker.addEventListener("install", (event) => {
  event.waitUntil(keepFiles());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([dropOldVersions(), worker.clients.claim()]));
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const here = request.method === "GET" && new URL(request.url).origin === worker.location.origin;
  // Requests for ranges are for models.
  if (here && !request.headers.has("range")) event.respondWith(fromCache(request));
});

async function keepFiles(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll(__PRECACHE__.files.map((file) => new Request(file, { cache: "reload" })));
}

/** File names of a version carry hashes, so what is kept never has to be asked for again. */
async function fromCache(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  // Servers may answer `Vary: Origin`, and modules are asked for with an origin, unlike when they were kept.
  const kept = await cache.match(request, { ignoreVary: true, ignoreSearch: request.mode === "navigate" });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && new URL(request.url).pathname.includes("/assets/")) await cache.put(request, response.clone());
  return response;
}

async function dropOldVersions(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== cacheName);
  await Promise.all(old.map((name) => caches.delete(name)));
}
