// Builds what is out of date and serves the chat page on this machine: `npm start [-- --port 8080]`.
// With --folder it serves a page that was built before, as it is.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { preview } from "vite";

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: { port: { type: "string", default: "8080" }, folder: { type: "string" } },
});

if (!values.folder) {
  const build = spawnSync(process.execPath, [resolve(root, "tools/build.mjs"), "--if-stale"], { stdio: "inherit" });
  if (build.status !== 0) process.exit(1);
}
const folder = resolve(values.folder ?? resolve(root, "dist/chat"));

const server = await preview({
  configFile: false,
  root: resolve(folder, ".."),
  base: "./",
  logLevel: "warn",
  build: { outDir: folder },
  // Another port is taken when this one is busy; the line below says which.
  preview: {
    host: "localhost",
    port: Number(values.port),
    strictPort: false,
    open: false,
    // Makes the page cross-origin isolated, so that the processor may run a model in several threads.
    headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
  },
});
console.log(`Fennec's chat page: ${server.resolvedUrls?.local[0]}`);
console.log("Open it in Chrome, Edge, Safari or Firefox. Ctrl+C ends the server.");
