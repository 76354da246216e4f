// The package as published: complete, typed, small, and usable from plain Node and from a bundler.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { build, type Rolldown } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adapterEnvironment, hasSoftwareAdapters } from "../support/adapters";
import { writeGgufFile } from "../support/gguf_file";
import { gguf } from "../support/gguf_writer";
import { type Consumer, installPacked, repository } from "../support/packed";
import { randomModel } from "../support/random_model";

/** What a page downloads to run a model, shaders and dependencies included, minified, gzip. */
const MAX_ENTRY_BYTES = 150_000;

/** Bundled into the chat page. */
const PAGE_PACKAGES = ["preact", "marked", "dompurify"];

let consumer: Consumer;
beforeAll(() => {
  consumer = installPacked();
});
afterAll(() => consumer.dispose());

const bin = (name: string): string => join(repository, "node_modules/.bin", name);

describe("what npm would publish", () => {
  test("publint finds nothing to say", async () => {
    const { messages, pkg } = await publint({ pkgDir: consumer.packageFolder, strict: true, pack: false });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test("arethetypeswrong finds the types of each entry", () => {
    const { stdout, stderr, status } = spawnSync(
      bin("attw"),
      [consumer.tarball, "--profile", "esm-only", "--no-emoji", "--no-color"],
      { encoding: "utf8", shell: process.platform === "win32" },
    );
    expect(status, stdout + stderr).toBe(0);
  });

  test("holds the files it needs and no others", () => {
    const top = readdirSync(consumer.packageFolder).sort();
    // models/ holds the built-in model, once there is one.
    expect(top.filter((name) => name !== "models")).toEqual([
      "LICENSE",
      "README.md",
      "THIRD_PARTY_NOTICES",
      "bin",
      "dist",
      "package.json",
    ]);
    const dist = readdirSync(join(consumer.packageFolder, "dist"));
    for (const entry of ["index.js", "node.js", "worker.js", "cli.js", "types"]) expect(dist).toContain(entry);
  });
});

describe("in plain Node", () => {
  test("imports as an ES module, quietly", () => {
    const program = `
      import * as engine from "@fennec/engine";
      import * as worker from "@fennec/engine/worker";
      console.log(typeof engine.load, typeof engine.probe, typeof worker.connect);`;
    expect(consumer.run(program)).toEqual({ stdout: "function function function\n", stderr: "", status: 0 });
  });

  test("the browser's entry loads without a browser", () => {
    const program = `
      const engine = await import("./node_modules/@fennec/engine/dist/index.js");
      console.log(typeof engine.load);`;
    expect(consumer.run(program)).toEqual({ stdout: "function\n", stderr: "", status: 0 });
  });

  test("an error has its code, from outside too", () => {
    const program = `
      import { load } from "@fennec/engine";
      await load("/nowhere/model.gguf").catch((error) => console.log(error.name, error.code));`;
    expect(consumer.run(program).stdout).toBe("FennecError source-unreadable\n");
  });

  test("the README's example runs as it stands", async () => {
    const readme = readFileSync(join(repository, "README.md"), "utf8");
    const [, example] = /```js\n([\s\S]*?)```/.exec(readme) ?? [];
    const { metadata, tensors } = randomModel({ tokenizer: "spm", context: 48 });
    const template = gguf.string("{% for m in messages %}{{ m.content }}{% endfor %}");
    await writeGgufFile(join(consumer.folder, "model.gguf"), {
      metadata: { ...metadata, "tokenizer.chat_template": template },
      tensors,
    });
    const { stdout, stderr, status } = consumer.run(example!, hasSoftwareAdapters ? adapterEnvironment.lavapipe : {});
    expect(status, stderr).toBe(0);
    expect(stdout).not.toBe("");
    expect(example!.trim().split("\n").length).toBeLessThanOrEqual(10);
  });

  test("npx fennec runs in the checkout", () => {
    const model = "test/fixtures/nano/llama-nano-F32.gguf";
    const { stdout, stderr, status } = spawnSync("npx", ["fennec", "inspect", model, "--json"], {
      cwd: repository,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ architecture: "llama" });
  });

  test("the installed command runs too", () => {
    const model = join(repository, "test/fixtures/nano/qwen2-nano-F16.gguf");
    const text = execFileSync(process.execPath, [join(consumer.packageFolder, "bin/fennec.js"), "inspect", model], {
      encoding: "utf8",
    });
    expect(text).toContain("qwen2");
  });
});

describe("for an application", () => {
  test("TypeScript resolves the types with strict settings and their own check", () => {
    const program = `
      import { load, type FennecError } from "@fennec/engine";
      import { connect } from "@fennec/engine/worker";
      export async function story(file: File): Promise<string> {
        const engine = await load(file);
        const reply = await engine.chat.completions.create({ messages: [{ role: "user", content: "Hello" }] });
        engine.dispose();
        return reply.choices[0]!.message.content;
      }
      export const remote = (worker: Worker) => connect(worker);
      export const codeOf = (error: FennecError): string => error.code;`;
    writeFileSync(join(consumer.folder, "application.ts"), program);
    for (const [module, resolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ]) {
      const { stdout, status } = spawnSync(
        bin("tsc"),
        [
          ...["--noEmit", "--strict", "--ignoreConfig", "--target", "es2023", "--lib", "es2023,dom,dom.asynciterable"],
          ...["--types", "", "--module", module!, "--moduleResolution", resolution!, "application.ts"],
        ],
        { cwd: consumer.folder, encoding: "utf8", shell: process.platform === "win32" },
      );
      expect(stdout).toBe("");
      expect(status).toBe(0);
    }
  });

  test("a bundled page is small, needs no Node module, and finds its worker by a relative address", async () => {
    const application = join(consumer.folder, "page");
    mkdirSync(application, { recursive: true });
    writeFileSync(
      join(application, "main.js"),
      `import { load } from "@fennec/engine";
       import { connect } from "@fennec/engine/worker";
       globalThis.start = () => connect(new Worker(new URL("./engine.js", import.meta.url), { type: "module" }));
       globalThis.load = load;`,
    );
    writeFileSync(join(application, "engine.js"), `export * from "@fennec/engine/worker";`);
    const result = await build({
      configFile: false,
      root: application,
      base: "./",
      logLevel: "error",
      resolve: { preserveSymlinks: false },
      worker: { format: "es" },
      build: { write: false, rollupOptions: { input: join(application, "main.js") } },
    });
    const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
    const chunks = output.filter((file) => file.type === "chunk");
    const entry = chunks.find((chunk) => chunk.isEntry)!;
    const atStart = withStaticImports(entry, chunks);
    const backend = chunks.find(({ name }) => name.startsWith("webgpu"));
    const size = (loaded: readonly Rolldown.OutputChunk[]) =>
      gzipSync(loaded.map(({ code }) => code).join("\n")).length;
    const bytes = size([...new Set([...atStart, ...withStaticImports(backend!, chunks)])]);
    console.log(
      `a page's download, minified, dependencies included: ${(size(atStart) / 1000).toFixed(1)} kB gzip at its start, ` +
        `${(bytes / 1000).toFixed(1)} kB with the WebGPU backend`,
    );
    expect(bytes).toBeLessThan(MAX_ENTRY_BYTES);
    for (const { code, fileName } of chunks) expect(code, fileName).not.toMatch(/["']node:|__vite-browser-external/);
    expect(entry.code).not.toMatch(/new URL\(["'`]\/assets/);
  });

  test("says whose work it carries; sizes, for the record", () => {
    const dist = join(consumer.packageFolder, "dist");
    const sizes = ["index.js", "node.js", "worker.js", "cli.js"].map((name) => {
      const code = readFileSync(join(dist, name));
      return `${name} ${(gzipSync(code).length / 1000).toFixed(1)} kB gzip`;
    });
    console.log(sizes.join(", "));
    const notices = readFileSync(join(consumer.packageFolder, "THIRD_PARTY_NOTICES"), "utf8");
    const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
    const carried = [
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.peerDependencies),
      ...PAGE_PACKAGES,
    ];
    for (const name of carried) expect(notices, "THIRD_PARTY_NOTICES").toContain(name);
  });
});

function withStaticImports(
  entry: Rolldown.OutputChunk,
  chunks: readonly Rolldown.OutputChunk[],
  seen = new Set<Rolldown.OutputChunk>(),
): readonly Rolldown.OutputChunk[] {
  if (seen.has(entry)) return [];
  seen.add(entry);
  const imported = chunks.filter(({ fileName }) => entry.imports.includes(fileName));
  return [entry, ...imported.flatMap((chunk) => withStaticImports(chunk, chunks, seen))];
}
