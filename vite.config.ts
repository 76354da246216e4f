// The library build: dist/index.js (browsers), dist/node.js, dist/worker.js, dist/cli.js and the chunks they share.
// WGSL comes in as text (`?raw`), without its comments. Nothing of other packages is bundled: they are dependencies or optional peers.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";
import { wgslWithoutComments } from "./tools/wgsl_comments.ts";

const entries = {
  index: "src/index.ts",
  node: "src/node.ts",
  worker: "src/worker/index.ts",
  cli: "src/cli/index.ts",
};

const external = [/^node:/, /^@huggingface\//, /^onnxruntime-web/, "webgpu"];

export default defineConfig({
  // Relative to import.meta.url: with the default base the URL of a worker or asset would be absolute, and wrong in
  // every application that bundles this package.
  base: "./",
  plugins: [wgslWithoutComments()],
  build: {
    target: "es2023",
    outDir: "dist",
    emptyOutDir: false,
    minify: false,
    sourcemap: true,
    lib: {
      formats: ["es"],
      entry: Object.fromEntries(
        Object.entries(entries)
          .map(([name, file]) => [name, resolve(import.meta.dirname, file)] as const)
          .filter(([, file]) => existsSync(file)),
      ),
    },
    rollupOptions: {
      external,
      output: { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" },
    },
  },
  worker: { format: "es", rollupOptions: { external } },
});
