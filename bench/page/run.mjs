// Runs the benchmark page in a headless Chromium and writes its result:
//
//   node bench/page/run.mjs --gguf a.gguf [--onnx folder | --export] [--type q8] [--cputype fp32]
//                           [--mlclib library.wasm [--mlc folder]] [--engines fennec-webgpu,wllama-cpu] [--rounds 3] [--prompt 128] [--reply 32] [--threads 1]
//                           [--out result.json] [--screenshot page.png] [--gpu] [--no-build] [--minutes 60]
//
// Paths may be anywhere. `--shape smollm2-135m-Q8_0` in place of --gguf makes a model of that shape with random weights;
// --export makes the ONNX folder from the model, by `fennec export-onnx` of the last build; --mlclib makes WebLLM's folder
// from it for that library, unless --mlc names one. On Linux the adapter is Chromium's SwiftShader, as in the tests; --gpu
// takes the machine's own.
// FENNEC_CHROMIUM names another browser.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { writeMlcFolder } from "./mlc_folder.mjs";
import { openModules, root } from "./modules.mjs";
import { buildPage, servePage } from "./serve.mjs";

const TEXTS = [
  "gguf",
  "onnx",
  "type",
  "cputype",
  "mlc",
  "mlclib",
  "engines",
  "rounds",
  "prompt",
  "reply",
  "threads",
  "memory",
  "out",
  "screenshot",
  "shape",
];
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(TEXTS.map((name) => [name, { type: "string" }])),
    gpu: { type: "boolean", default: false },
    export: { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
    minutes: { type: "string", default: "60" },
  },
});
if (!values.gguf && !values.shape) {
  console.error("name the model by --gguf FILE, or --shape NAME-TYPE");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "fennec-benchmark-"));
const linked = (path) => {
  symlinkSync(resolve(path), join(folder, basename(resolve(path))));
  return `models/${basename(resolve(path))}`;
};

// The page's modules that need no page, and the tests' choice of browser, as Vite reads them.
const modules = await openModules();
const { summaryTable } = await modules.load("/bench/page/summary.ts");
const { writeResult, readResult } = await modules.load("/bench/page/result.ts");
const { chromiumPath, webgpuFlags } = await modules.load("/test/support/browser.ts");
const { shapeFile, writeShape } = await modules.load("/bench/shapes.ts");

/** Writes the model of a shape. @param name Shape and type: `smollm2-135m-Q8_0`. */
async function madeShape(name) {
  const [, shape, type] = /^(.+)-([^-]+)$/.exec(name) ?? [];
  return `models/${basename(await writeShape(shapeFile(shape, type), folder))}`;
}

/** The ONNX folder of the model that the page will get. */
function exported() {
  const model = join(folder, basename(query.get("gguf")));
  execFileSync(process.execPath, [join(root, "bin/fennec.js"), "export-onnx", model, join(folder, "onnx")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return "models/onnx/";
}

const query = new URLSearchParams({
  run: "1",
  gguf: values.shape ? await madeShape(values.shape) : linked(values.gguf),
});
if (values.onnx) query.set("onnx", `${linked(values.onnx)}/`);
if (values.export) query.set("onnx", exported());
if (values.mlclib) {
  const made = join(folder, `${basename(query.get("gguf"), ".gguf")}-mlc`);
  const model = join(folder, basename(query.get("gguf")));
  if (!values.mlc) await writeMlcFolder(modules.load, { model, library: values.mlclib, folder: made });
  query.set("mlc", values.mlc ? `${linked(values.mlc)}/` : `models/${basename(made)}/`);
  query.set("library", linked(values.mlclib));
}
for (const name of ["type", "cputype", "engines", "rounds", "prompt", "reply", "threads", "memory"]) {
  if (values[name]) query.set(name, values[name]);
}

if (!values["no-build"]) await buildPage();
const server = await servePage({ models: folder });
const flags = values.gpu
  ? ["--enable-unsafe-webgpu", "--enable-features=Vulkan", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])]
  : [...webgpuFlags];
const browser = await chromium.launch({ executablePath: chromiumPath(), args: flags, headless: true });
let failed = true;
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(5 * 60_000); // engines that compute on the processor keep a browser waiting
  page.on("pageerror", (error) => console.error(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || process.env.FENNEC_DEBUG) console.error(message.text());
  });
  await page.goto(`${server.url}?${query}`);
  let shown = "";
  const deadline = Date.now() + Number(values.minutes) * 60_000;
  for (;;) {
    const { state, result, now } = await page.evaluate(() => ({
      ...globalThis.fennecBenchmark,
      now: document.querySelector(".progress p")?.textContent ?? "",
    }));
    if (now !== shown && now) console.error((shown = now));
    if (state === "done") {
      const text = writeResult(result);
      readResult(text);
      if (values.out) writeFileSync(values.out, text);
      console.log(summaryTable(result));
      if (values.screenshot) await page.screenshot({ path: values.screenshot, fullPage: true });
      failed = result.contenders.some(({ error }) => error !== undefined);
      break;
    }
    if (state) throw new Error(state);
    if (Date.now() > deadline) throw new Error(`not done after ${values.minutes} minutes`);
    await page.waitForTimeout(500);
  }
} finally {
  await browser.close();
  server.stop();
  await modules.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
