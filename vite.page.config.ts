// The chat page's build: apps/chat -> dist/chat, with relative addresses, so that any folder of any server can hold it.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { wgslWithoutComments } from "./tools/wgsl_comments.ts";

const root = resolve(import.meta.dirname, "apps/chat");
const builtinFile = resolve(import.meta.dirname, "models/builtin/fennec-builtin.gguf");
const builtin = existsSync(builtinFile)
  ? { file: "builtin/fennec-builtin.gguf", bytes: statSync(builtinFile).size }
  : null;

export default defineConfig({
  root,
  base: "./",
  define: { __BUILTIN_MODEL__: JSON.stringify(builtin) },
  resolve: {
    alias: [
      { find: /^@fennec\/engine$/, replacement: resolve(import.meta.dirname, "src/index.ts") },
      { find: /^@fennec\/engine\/worker$/, replacement: resolve(import.meta.dirname, "src/worker/index.ts") },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [wgslWithoutComments(), builtinModel(), serviceWorker()],
  build: {
    target: "es2023",
    outDir: resolve(import.meta.dirname, "dist/chat"),
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // Nothing as a data: address: the page's content policy allows only its own files.
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { page: resolve(root, "index.html"), service_worker: resolve(root, "service_worker.ts") },
      output: {
        entryFileNames: ({ name }) => (name === "service_worker" ? "service_worker.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es", plugins: () => [wgslWithoutComments()] },
});

/** Puts the built-in model, where there is one, beside the page. */
function builtinModel(): Plugin {
  return {
    name: "fennec:builtin-model",
    generateBundle() {
      if (builtin) this.emitFile({ type: "asset", fileName: builtin.file, source: readFileSync(builtinFile) });
    },
  };
}

/** Tells the service worker which files the page consists of. */
function serviceWorker(): Plugin {
  return {
    name: "fennec:service-worker",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const worker = bundle["service_worker.js"];
        if (worker?.type !== "chunk") throw new Error("The build has no service worker.");
        const files = Object.values(bundle).filter(
          ({ fileName }) =>
            fileName !== worker.fileName && fileName !== builtin?.file && !/\.(map|wasm)$/.test(fileName),
        );
        const hash = createHash("sha256");
        for (const file of files) hash.update(file.fileName).update(file.type === "chunk" ? file.code : file.source);
        const precache = {
          version: hash.digest("hex").slice(0, 16),
          // "./" is index.html as people ask for it.
          files: ["./", ...files.map(({ fileName }) => fileName)],
        };
        worker.code = `const __PRECACHE__ = ${JSON.stringify(precache)};\n${worker.code}`;
      },
    },
  };
}
