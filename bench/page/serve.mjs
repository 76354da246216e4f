// Builds and serves the benchmark page: `npm run bench:page [-- --port 8090 --models FOLDER]`. Installs the peers into
// this folder when they are not there yet. Files of FOLDER are under models/ in page addresses. The answers isolate the
// page, so that engines may use threads and memory can be measured.

import { spawnSync } from "node:child_process";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { parseArgs } from "node:util";

const here = import.meta.dirname;
const root = resolve(here, "../..");

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** Installs what is missing and builds. */
export async function buildPage() {
  if (!existsSync(join(here, "node_modules/@wllama/wllama"))) {
    console.log("Installing the engines to compare with (once, about 600 MB) ...");
    // No install scripts: the native binaries they would fetch are not for pages.
    const npm = process.platform === "win32" ? "npm.cmd" : "npm";
    const { status } = spawnSync(npm, ["ci", "--ignore-scripts"], { cwd: here, stdio: "inherit" });
    if (status !== 0) throw new Error("the engines could not be installed");
  }
  const { build } = await import("vite");
  await build({ configFile: join(here, "vite.config.ts"), logLevel: "warn", mode: "production" });
}

/** Serves the built page. @returns Its address, and how to end it. */
export async function servePage({ port = 0, models } = {}) {
  const folders = { "models/": models && resolve(models), "": join(here, "dist") };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname).slice(1) || "index.html";
    const [prefix, folder] = Object.entries(folders).find(([start, at]) => at && path.startsWith(start)) ?? [];
    const file = folder && resolve(folder, path.slice(prefix.length));
    sendFile(file?.startsWith(folder + sep) ? file : undefined, request, response);
  });
  await new Promise((done, fail) => {
    server.once("error", fail);
    server.listen(port, "localhost", done);
  });
  return {
    url: `http://localhost:${server.address().port}/`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function sendFile(file, request, response) {
  const isolation = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Accept-Ranges": "bytes",
  };
  const stat = file && existsSync(file) ? statSync(file) : undefined;
  if (!stat?.isFile()) {
    response.writeHead(404, isolation).end("not found");
    return;
  }
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const start = first ? Number(first) : 0;
  const end = Math.min(stat.size, last ? Number(last) + 1 : stat.size);
  response.writeHead(first ? 206 : 200, {
    ...isolation,
    "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
    "Content-Length": Math.max(0, end - start),
    ...(first && { "Content-Range": `bytes ${start}-${end - 1}/${stat.size}` }),
  });
  if (request.method === "HEAD" || end <= start) response.end();
  else createReadStream(file, { start, end: end - 1 }).pipe(response);
}

if (process.argv[1] === import.meta.filename) {
  process.chdir(root);
  const { values } = parseArgs({ options: { port: { type: "string", default: "8090" }, models: { type: "string" } } });
  await buildPage();
  const { url } = await servePage({ port: Number(values.port), models: values.models });
  console.log(`Fennec's benchmark page: ${url}`);
  console.log("Open it in Chrome, alone and in front. Ctrl+C ends the server.");
}
