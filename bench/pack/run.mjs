// What an archive of `npm run bench:pack` runs where it was unpacked: kernels, then benchmarks, in the order of what one
// wants to know first, each in a process of its own and within the minutes given. Everything is written as it is known,
// so that what was measured before the time ran out, or the driver fell over, is kept.
//
//   ./run.sh [minutes] [small]

import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const out = join(here, "out");
const minutes = Number(process.argv[2] ?? 10);
const small = process.argv.includes("small");
const deadline = Date.now() + minutes * 60_000;
mkdirSync(out, { recursive: true });

/** Dawn has f16 on NVIDIA under Vulkan only by this switch; elsewhere the switch changes nothing. */
const F16 = "enable-dawn-features=vulkan_enable_f16_on_nvidia";
/** Subgroup matrices are experimental: Dawn has them only by this one. */
const MATRICES = `${F16},allow_unsafe_apis`;

const shape = (name, type, ...rest) => ["--shape", name, "--type", type, ...rest];
const small512 = ["--prompt-tokens", "16", "--gen-tokens", "4", "--repeat", "1"];

/** Name, most minutes, Dawn's switch if any, arguments of `fennec bench`. */
const full = [
  ...["smollm2-135m", "gemma3-270m", "qwen3-0.6b", "llama-3.2-1b"].flatMap((name) =>
    ["Q4_0", "Q8_0", "Q4_K"].map((type) => [`${name} ${type}`, 3, "", shape(name, type)]),
  ),
  ...["qwen3-0.6b", "llama-3.2-1b"].map((name) => [`${name} Q4_0 with f16`, 3, F16, shape(name, "Q4_0")]),
  // Fails where the GPU has none with sums in f32.
  ["qwen3-0.6b Q4_0 on subgroup matrices", 3, MATRICES, shape("qwen3-0.6b", "Q4_0", "--gen-tokens", "0")],
  ["batch", 3, "", shape("qwen3-0.6b", "Q4_0", "--prompt-tokens", "0", "--batch", "1,2,4,8")],
  ["depth qwen3", 5, "", shape("qwen3-0.6b", "Q4_0", "--depth", "4096,16384,32768", "--repeat", "2")],
  ["depth llama", 5, "", shape("llama-3.2-1b", "Q4_0", "--depth", "4096,16384,32768", "--repeat", "2")],
];
const trial = [
  ["builtin", 5, "", ["builtin", ...small512]],
  ["builtin with f16", 5, F16, ["builtin", ...small512]],
  ["batch", 5, "", ["builtin", "--prompt-tokens", "0", "--gen-tokens", "4", "--repeat", "1", "--batch", "1,2"]],
  ["depth", 5, "", ["builtin", ...small512, "--depth", "64"]],
];

const summary = join(out, "summary.txt");
writeFileSync(summary, `${new Date().toISOString()}, ${minutes} minutes${small ? ", small" : ""}\n`);

/** Runs a program until it ends or its time is over. @returns How it ended. */
function run(name, most, args, environment) {
  const left = Math.min(most * 60_000, deadline - Date.now());
  if (left < 5000) return Promise.resolve("not begun: no time left");
  const log = join(out, `${name.replace(/[^a-z0-9.]+/gi, "-")}.txt`);
  return new Promise((done) => {
    const child = spawn(process.execPath, args, {
      cwd: here,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let over = false;
    // First asked, so that it can write what it has.
    const ask = setTimeout(() => {
      over = true;
      child.kill("SIGINT");
    }, left);
    const end = setTimeout(() => child.kill("SIGKILL"), left + 20_000);
    const keep = (data) => {
      appendFileSync(log, data);
      process.stdout.write(data);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("close", (code, signal) => {
      clearTimeout(ask);
      clearTimeout(end);
      done(over ? "its time was over" : code === 0 ? "done" : `failed (${signal ?? code})`);
    });
  });
}

async function step(name, most, args, environment = {}) {
  const started = Date.now();
  process.stdout.write(`\n== ${name}\n`);
  const ended = await run(name, most, args, environment);
  appendFileSync(summary, `${name}: ${ended}, ${((Date.now() - started) / 1000).toFixed(0)} s\n`);
}

const cli = join(here, "package/bin/fennec.js");
const rows = join(out, "rows.jsonl");
await step("doctor", 1, [cli, "doctor"]);
const kernels = (...words) => [join(here, "package/kernels.mjs"), ...words, ...(small ? ["first"] : [])];
await step("kernels", small ? 5 : 2, kernels());
for (const [name, most, dawn, args] of small ? trial : full) {
  const models = ["--folder", join(here, "models"), "--append", rows];
  const variant = dawn === MATRICES ? { FENNEC_VARIANT: "tile_matrix" } : {};
  await step(name, most, [cli, "bench", ...args, ...models, ...(dawn ? ["--dawn", dawn] : [])], variant);
}
await step("kernels with f16 and subgroup matrices", small ? 5 : 2, kernels(MATRICES));
console.log(`\nWritten to ${out}: summary.txt, ${existsSync(rows) ? "rows.jsonl, " : ""}and a file for each step.`);
