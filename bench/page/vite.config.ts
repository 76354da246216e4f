// The benchmark page's build: bench/page -> bench/page/dist. Fennec is taken from its sources, the peers from this
// folder's own node_modules.

import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";

const here = import.meta.dirname;
const root = resolve(here, "../..");

function versionOf(folder: string): string {
  const path = resolve(folder, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : "not installed";
}

const peer = (name: string): string => versionOf(resolve(here, "node_modules", name));

export default defineConfig({
  root: here,
  base: "./",
  define: {
    __VERSIONS__: JSON.stringify({
      fennec: versionOf(root),
      wllama: peer("@wllama/wllama"),
      transformers: peer("@huggingface/transformers"),
      webLlm: peer("@mlc-ai/web-llm"),
    }),
  },
  resolve: {
    alias: [
      { find: /^@fennec\/engine$/, replacement: resolve(root, "src/index.ts") },
      { find: /^@fennec\/engine\/worker$/, replacement: resolve(root, "src/worker/index.ts") },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    outDir: resolve(here, "dist"),
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 10_000,
  },
  worker: { format: "es" },
});
