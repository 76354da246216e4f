// Builds everything under dist/: the library (vite.config.ts), its types (tsc), the chat page (apps/chat).
//
//   node tools/build.mjs              builds
//   node tools/build.mjs --if-stale   builds only when a source is newer than the last build
//
// `npm ci` runs the second form (as `prepare`), and so does `npm test`: a fresh clone builds once.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const stamp = join(root, "dist/.built");
const sources = ["src", "kernels", "models", "apps", "tools", "package.json", "tsconfig.json", "tsconfig.build.json"];
const configs = readdirSync(root).filter((name) => /^vite\.(.*\.)?config\.ts$/.test(name));

/** Latest modification below a path, milliseconds. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function isStale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  return [...sources, ...configs].some((path) => existsSync(join(root, path)) && newest(join(root, path)) > built);
}

/** Runs a program of node_modules; its output is shown only when it fails. */
function run(name, ...args) {
  return new Promise((done, fail) => {
    // Tests build too, and vite would take over their NODE_ENV: a page of a test build has no service worker.
    const env = { ...process.env, NODE_ENV: "production" };
    const child = spawn(process.execPath, [program(name), ...args], { cwd: root, env });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => {
      if (code === 0) done();
      else fail(new Error(`${name} ${args.join(" ")} failed:\n${output}`));
    });
  });
}

function program(name) {
  const folder = join(root, "node_modules", name === "tsc" ? "typescript" : name);
  return join(folder, JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).bin[name]);
}

/**
 * Gives relative imports in declaration files the extension that Node's resolution asks of a consumer:
 * `"./errors"` becomes `"./errors.js"`, `"./worker"` `"./worker/index.js"`.
 */
function addExtensions(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith(".d.ts")) continue;
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, "utf8");
    const changed = text.replace(/(from |import\()"(\.[^"]*)"/g, (_, before, specifier) => {
      const target = join(dirname(file), specifier);
      return `${before}"${specifier}${existsSync(`${target}.d.ts`) ? ".js" : "/index.js"}"`;
    });
    if (changed !== text) writeFileSync(file, changed);
  }
}

async function build() {
  const started = Date.now();
  rmSync(join(root, "dist"), { recursive: true, force: true });
  mkdirSync(join(root, "dist"));
  const now = Date.now();
  await Promise.all([
    run("tsc", "-p", "tsconfig.build.json").then(() => addExtensions(join(root, "dist/types"))),
    ...configs.map((config) => run("vite", "build", "--config", config, "--logLevel", "warn")),
  ]);
  writeFileSync(stamp, "");
  // A source saved while the build ran must count as newer than it.
  utimesSync(stamp, now / 1000, now / 1000);
  console.log(`built dist/ in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

if (!existsSync(join(root, "node_modules/vite"))) {
  console.log("not built: the development dependencies are not installed (npm ci installs them)");
} else if (process.argv.includes("--if-stale") && !isStale()) {
  console.log("dist/ is up to date");
} else {
  await build().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
