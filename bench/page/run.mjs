// Runs the benchmark page in a headless Chromium and writes its result:
//
//   node bench/page/run.mjs --gguf a.gguf [--onnx folder] [--type q8] [--cputype fp32] [--engines fennec-webgpu,wllama-cpu] [--rounds 3]
//                           [--prompt 128] [--reply 32] [--threads 1] [--out result.json] [--gpu] [--no-build]
//
// Paths may be anywhere. On Linux the adapter is Chromium's SwiftShader, as in the tests; --gpu takes the machine's own.
// FENNEC_CHROMIUM names another browser.

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { createServer } from "vite";
import { buildPage, servePage } from "./serve.mjs";

const TEXTS = [
  "gguf",
  "onnx",
  "type",
  "cputype",
  "engines",
  "rounds",
  "prompt",
  "reply",
  "threads",
  "memory",
  "out",
  "screenshot",
];
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(TEXTS.map((name) => [name, { type: "string" }])),
    gpu: { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
    minutes: { type: "string", default: "60" },
  },
});
if (!values.gguf) {
  console.error("name the model by --gguf FILE");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "fennec-benchmark-"));
const linked = (path) => {
  symlinkSync(resolve(path), join(folder, basename(resolve(path))));
  return `models/${basename(resolve(path))}`;
};
const query = new URLSearchParams({ run: "1", gguf: linked(values.gguf) });
if (values.onnx) query.set("onnx", `${linked(values.onnx)}/`);
for (const name of ["type", "cputype", "engines", "rounds", "prompt", "reply", "threads", "memory"]) {
  if (values[name]) query.set(name, values[name]);
}

// The page's modules that need no page, and the tests' choice of browser, as Vite reads them.
const modules = await createServer({
  configFile: false,
  root: resolve(import.meta.dirname, "../.."),
  logLevel: "error",
  server: { middlewareMode: true, ws: false },
  appType: "custom",
});
const { summaryTable } = await modules.ssrLoadModule("/bench/page/summary.ts");
const { writeResult, readResult } = await modules.ssrLoadModule("/bench/page/result.ts");
const { chromiumPath, webgpuFlags } = await modules.ssrLoadModule("/test/support/browser.ts");

if (!values["no-build"]) await buildPage();
const server = await servePage({ models: folder });
const flags = values.gpu
  ? ["--enable-unsafe-webgpu", "--enable-features=Vulkan", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])]
  : [...webgpuFlags];
const browser = await chromium.launch({ executablePath: chromiumPath(), args: flags, headless: true });
let failed = true;
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
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
      if (values.screenshot) await page.screenshot({ path: values.screenshot, fullPage: true, timeout: 120_000 });
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
