// Builds kernels.ts into one file for the archive of bench/pack.mjs.

import { resolve } from "node:path";
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2023",
    minify: false,
    emptyOutDir: false,
    lib: { formats: ["es"], entry: resolve(import.meta.dirname, "kernels.ts"), fileName: () => "kernels.mjs" },
    rollupOptions: { external: [/^node:/, "webgpu"], output: { codeSplitting: false } },
  },
});
