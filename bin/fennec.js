#!/usr/bin/env node
// The command `fennec`. Its code is in src/cli; this file only finds the build.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const build = new URL("../dist/cli.js", import.meta.url);

if (existsSync(fileURLToPath(build))) {
  const { run } = await import(build.href);
  await run(process.argv.slice(2));
} else {
  console.error("fennec: not built yet; run: npm run build");
  process.exitCode = 1;
}
