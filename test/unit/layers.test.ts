// The architecture as a test: who may import whom, no cycles, shaders without a preprocessor, nothing left unfinished.

import { describe, expect, test } from "vitest";

/** A layer is a folder, or one file of it (the longest match wins). Imports inside a layer are always allowed. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "src/errors": [],
  "src/version": [],
  "src/check": ["src/errors"],
  "src/files": ["src/errors"],
  "src/graph": ["src/errors"],
  "src/text": ["src/files", "src/errors"],
  kernels: ["src/graph", "src/errors"],
  // A model is a config, a weight table and a forward: it never sees a kernel, a buffer or WebGPU.
  models: ["src/graph", "src/files", "src/errors"],
  // Of kernels only the table of weight formats: a file in another type is refused by name.
  "src/model": ["models", "kernels", "src/graph", "src/files", "src/errors"],
  // The interface of backends: the waist, below its implementations.
  "src/backends/backend": ["kernels/sample", "src/graph", "src/files", "src/errors"],
  "kernels/sample": ["kernels", "src/graph", "src/errors"],
  "src/plan": ["src/backends/backend", "kernels", "kernels/sample", "src/graph", "src/errors"],
  "src/backends": [
    "src/backends/backend",
    "src/plan",
    "src/model",
    "models",
    "kernels",
    "kernels/sample",
    "src/graph",
    "src/files",
    "src/version",
    "src/errors",
  ],
  // Sequences, batches and sampling work on any backend: the engine knows only the interface.
  "src/engine": ["src/backends/backend", "kernels/sample", "src/text", "src/files", "src/check", "src/errors"],
  // File in, file out; the blocks of single types also serve folders that are quantized while they load.
  "src/quantize": ["kernels", "src/files", "src/errors"],
  // Another form of model file, made to look like GGUF: above what it takes to change weights and read tokenizers.
  "src/hugging_face": ["src/quantize", "kernels", "src/text", "src/files", "src/errors"],
  "src/open_model": ["src/hugging_face", "src/files", "src/check", "src/errors"],
  "src/api": ["src/engine", "src/check", "src/errors"],
  "src/platform": ["src/files", "src/errors"],
  "src/probe": ["src/platform", "src/backends"],
  "src/choose_backend": [
    "src/engine",
    "src/backends",
    "src/backends/backend",
    "src/platform",
    "src/probe",
    "src/check",
    "src/errors",
  ],
  // Where everything comes together: a file becomes an engine.
  "src/load": [
    "src/choose_backend",
    "src/api",
    "src/engine",
    "src/backends",
    "src/backends/backend",
    "src/model",
    "src/open_model",
    "src/hugging_face",
    "src/text",
    "src/files",
    "src/platform",
    "src/probe",
    "src/check",
    "src/errors",
  ],
};

/** The top: may import everything in src, and is imported by nothing below. */
const top = [
  "src/index",
  "src/node",
  "src/load",
  "src/cached_files",
  "src/probe",
  "src/platform",
  "src/worker",
  "src/server",
  "src/cli",
  "apps",
  "bench",
];

const sources = import.meta.glob<string>(
  ["../../src/**/*.ts", "../../kernels/**/*.ts", "../../models/**/*.ts", "../../apps/**/*.{ts,tsx}"],
  { query: "?raw", import: "default", eager: true },
);
const shaders = import.meta.glob<string>("../../kernels/**/*.wgsl", { query: "?raw", import: "default", eager: true });
const everything = import.meta.glob<string>(
  ["../../{src,kernels,models,apps,bench,test,tools}/**/*.{ts,tsx,mjs,css,html,wgsl}", "!./layers.test.ts"],
  { query: "?raw", import: "default", eager: true },
);

const repositoryPath = (key: string): string =>
  key
    .replace("../../", "")
    .replace(/^\.\.\//, "test/")
    .replace(/^\.\//, "test/unit/");

/** Imports of each file of `sources`, as paths in the repository without extension. */
const imports = new Map(
  Object.entries(sources).map(([key, text]) => [repositoryPath(key), importsOf(repositoryPath(key), text)] as const),
);

function importsOf(path: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:^(?:import|export)\b[^;]*?\bfrom |^import |\bimport\()"(\.[^"]+)"/gm)];
  return specifiers
    .map(([, specifier]) => new URL(specifier!, `file:///${path}`).pathname.slice(1))
    .filter((target) => !/\?|\.(wgsl|css|json)$/.test(target));
}

/** The file that an import without extension means. */
function fileOf(target: string): string | undefined {
  return [`${target}.ts`, `${target}.tsx`, `${target}/index.ts`, target].find((path) => imports.has(path));
}

function layerOf(path: string): string {
  const layers = [...Object.keys(allowed), ...top].filter(
    (layer) => path === layer || path.startsWith(`${layer}/`) || path.startsWith(`${layer}.`),
  );
  return layers.sort((a, b) => b.length - a.length)[0] ?? "none";
}

describe("imports run downwards", () => {
  test.each([...imports])("%s", (path, targets) => {
    const layer = layerOf(path);
    expect(layer, `${path} belongs to no layer: add it to the table in layers.test.ts`).not.toBe("none");
    for (const target of targets) {
      const to = layerOf(target);
      const fine = top.includes(layer) ? to !== "none" : to === layer || allowed[layer]!.includes(to);
      expect(fine, `${path} (layer ${layer}) imports ${target} (layer ${to})`).toBe(true);
    }
  });
});

test("no import cycles", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of imports.get(path) ?? []) {
      const file = fileOf(target);
      if (file) visit(file, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test("the browser entry and the worker reach no Node module", () => {
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const target of imports.get(path) ?? []) {
      const file = fileOf(target);
      if (file) visit(file);
    }
  };
  for (const entry of ["src/index.ts", "src/worker/index.ts"]) visit(entry);
  expect(reached.size).toBeGreaterThan(2);
  for (const path of reached) {
    const text = sources[`../../${path}`] ?? "";
    // `await import("node:...")` behind a check of the platform is allowed; a static import is not.
    expect(text, path).not.toMatch(/^(?:import|export)\b[^;]*?\bfrom "node:/m);
  }
});

describe("shaders have no preprocessor", () => {
  test.each(Object.entries(shaders))("%s", (_path, text) => {
    expect(text).not.toContain("${");
    expect(text).not.toMatch(/^\s*#\s*(if|ifdef|ifndef|define|include|endif)\b/m);
  });
});

test("nothing is left marked as unfinished", () => {
  const marks = /\b(TODO|FIXME|XXX|HACK)\b|not implemented/;
  const found = Object.entries(everything).filter(([, text]) => marks.test(text));
  expect(Object.keys(everything).length).toBeGreaterThan(50);
  expect(found.map(([path]) => repositoryPath(path))).toEqual([]);
});
