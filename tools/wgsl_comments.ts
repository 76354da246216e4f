// A Vite plugin: shaders go into a build without their comments and blank lines. They are two fifths of what pages would
// download for the kernels. Block comments would stay; a test holds that shaders here have none.

import { readFile } from "node:fs/promises";
import type { Plugin } from "vite";

export function withoutComments(wgsl: string): string {
  const lines = wgsl.split("\n").map((line) => line.replace(/\s*\/\/.*$/, ""));
  return lines.filter((line) => line.trim() !== "").join("\n");
}

export function wgslWithoutComments(): Plugin {
  return {
    name: "fennec:wgsl-without-comments",
    enforce: "pre", // before Vite's own loading of `?raw`
    async load(id) {
      const [path, query] = id.split("?");
      if (!path?.endsWith(".wgsl") || query !== "raw") return undefined;
      return `export default ${JSON.stringify(withoutComments(await readFile(path, "utf8")))};`;
    },
  };
}
