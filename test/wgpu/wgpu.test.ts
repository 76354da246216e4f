// On wgpu, Firefox's WebGPU, by way of Deno: its shader compiler (naga) reads WGSL in ways of its own, and has no
// subgroups here. Every kernel's first case in every variant that can run, and a reply of the built-in model.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { expect, test } from "vitest";
import { load } from "../../src/node";
import { adapterEnvironment, hasSoftwareAdapters } from "../support/adapters";

const root = resolve(import.meta.dirname, "../..");

/** Without the layer: wgpu takes Mesa as it is. */
const environment = hasSoftwareAdapters
  ? { VK_DRIVER_FILES: adapterEnvironment.lavapipe.VK_DRIVER_FILES, XDG_RUNTIME_DIR: tmpdir() }
  : {};

/** Runs a module in Deno. @returns What it wrote to stdout. @throws With what it wrote, when it fails. */
async function deno(path: string, ...args: readonly string[]): Promise<string> {
  const binary = join(root, "node_modules/.bin/deno");
  const options = { env: { ...process.env, ...environment }, maxBuffer: 2 ** 26 };
  const permissions = [
    "run",
    "--allow-all",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=manual",
    "--unstable-webgpu",
  ];
  try {
    return (await promisify(execFile)(binary, [...permissions, path, ...args], options)).stdout;
  } catch (error) {
    const { message, stdout } = error as Error & { readonly stdout?: string };
    throw new Error(`${message}\n${stdout}`);
  }
}

test("the first case of each kernel, in each variant", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fennec-wgpu-"));
  try {
    await build({
      configFile: join(root, "bench/pack/vite.config.ts"),
      root,
      logLevel: "warn",
      build: { outDir: folder },
    });
    const output = await deno(join(folder, "kernels.mjs"), "first");
    console.info(output.trim());
    expect(output).toMatch(/kernels: \d{3,} right, 0 wrong$/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the built-in model replies as the reference does", async () => {
  const models = join(root, "models/builtin");
  const model = join(models, readdirSync(models).find((name) => name.endsWith(".gguf"))!);
  const request = { prompt: "Once upon a time", max_tokens: 24, temperature: 0 };
  const engine = await load(model, { backend: "reference" });
  const want = (await engine.completions.create(request)).choices[0]!.text;
  engine.dispose();

  const output = await deno(
    join(import.meta.dirname, "model.ts"),
    join(root, "dist/index.js"),
    model,
    String(request.max_tokens),
  );
  const { adapter, text } = JSON.parse(output) as { readonly adapter: string; readonly text: string };
  console.info(`${adapter}: ${text}`);
  expect(text).toBe(want);
});
