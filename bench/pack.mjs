// Makes an archive that runs the benchmark on a Linux x64 machine with a Vulkan driver and nothing else, neither npm nor
// network: Node, Dawn, the Vulkan loader, this package as built, and a script.
//
//   npm run bench:pack [-- --out fennec-bench.tar.xz]
//   there: tar xJf fennec-bench.tar.xz && fennec-bench/run.sh 10
//
// The script's results are in fennec-bench/out. The machine needs glibc 2.34 and libstdc++ of GCC 12 (GLIBCXX_3.4.30).

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "vite";

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({ options: { out: { type: "string", default: "fennec-bench.tar.xz" } } });
const out = resolve(values.out);

if (process.platform !== "linux" || process.arch !== "x64") {
  console.error("bench:pack makes archives for Linux on x64 and takes Node from this machine: run it there.");
  process.exit(1);
}

/** Where distributions keep the Vulkan loader. */
const LOADERS = ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib64/libvulkan.so.1", "/usr/lib/libvulkan.so.1"];

const work = mkdtempSync(join(tmpdir(), "fennec-pack-"));
try {
  const folder = join(work, "fennec-bench");
  const inside = join(folder, "package");
  mkdirSync(join(folder, "lib"), { recursive: true });

  const node = join(folder, "node");
  cpSync(process.execPath, node, { dereference: true });
  chmodSync(node, 0o755);
  execFileSync("strip", ["-s", node]);
  const loader = LOADERS.find((path) => existsSync(path));
  if (!loader) throw new Error("the Vulkan loader is not installed: apt-get install libvulkan1");
  cpSync(loader, join(folder, "lib/libvulkan.so.1"), { dereference: true });

  // The package as built and published, without what only pages and debuggers need.
  const isNeeded = (path) => !path.endsWith(".map") && !/\/dist\/(chat|types)(\/|$)/.test(path);
  for (const part of ["bin", "dist", "package.json", "LICENSE", "THIRD_PARTY_NOTICES"]) {
    cpSync(join(root, part), join(inside, part), { recursive: true, filter: isNeeded });
  }
  mkdirSync(join(inside, "models/builtin"), { recursive: true });
  for (const name of readdirSync(join(root, "models/builtin")).filter((file) => file.endsWith(".gguf"))) {
    cpSync(join(root, "models/builtin", name), join(inside, "models/builtin", name));
  }
  copyDependencies(inside);
  await build({
    configFile: join(root, "bench/pack/vite.config.ts"),
    root,
    logLevel: "warn",
    build: { outDir: inside },
  });
  for (const name of ["run.mjs", "run.sh"]) cpSync(join(root, "bench/pack", name), join(folder, name));
  writeFileSync(join(folder, "README.txt"), readme());
  execFileSync("tar", ["-C", work, "-cJf", out, basename(folder)], { env: { ...process.env, XZ_OPT: "-4 -T0" } });
  console.log(`${out}: ${(statSync(out).size / 1e6).toFixed(1)} MB`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** What the command line imports, and Dawn's package with the one build that fits. */
function copyDependencies(inside) {
  const modules = join(inside, "node_modules");
  const isSource = (path) => !/\.(map|md|ts|cts|mts)$/.test(path);
  for (const name of ["@huggingface/jinja", "@huggingface/tokenizers"]) {
    cpSync(join(root, "node_modules", name), join(modules, name), { recursive: true, filter: isSource });
  }
  for (const part of ["index.js", "package.json", "LICENSE.md", "dist/linux-x64"]) {
    cpSync(join(root, "node_modules/webgpu", part), join(modules, "webgpu", part), { recursive: true });
  }
}

function readme() {
  return `Fennec's benchmark for a machine with a GPU: ./run.sh [minutes] [small]

Runs the kernels against their references, then models of random weights in known shapes: prompts of 512 and replies of
128 tokens, with and without f16, 1 to 8 replies at once, contexts up to 32,768 tokens. Every row has its percent of what
the device allows, and none is shown whose logits are wrong. Results are in out/, also when the time runs out before the
end. "small" tries everything in tiny sizes, for software adapters.
`;
}
