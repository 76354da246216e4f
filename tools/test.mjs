// Runs the tests: all projects of vitest.config.ts that need nothing beside the repository, or with --fixtures those
// that need the folder named in FENNEC_FIXTURES. Further arguments go to vitest.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const software = process.platform === "linux" && process.arch === "x64";
const nodeAdapters = software ? ["lavapipe", "swiftshader"] : ["native"];
const withFixtures = process.argv.includes("--fixtures");

const projects = withFixtures
  ? ["fixtures", ...nodeAdapters.map((name) => `fixtures-${name}`), "fixtures-chromium"]
  : ["unit", ...nodeAdapters, "chromium", "package", "wgpu", "page"];

if (withFixtures) {
  const folder = process.env.FENNEC_FIXTURES;
  if (!folder || !existsSync(folder)) {
    console.error(
      `npm run test:fixtures needs FENNEC_FIXTURES: the folder with trained/, third-party/, arch/ and goldens/; ` +
        `got ${folder ? `${folder}, which does not exist` : "nothing"}.`,
    );
    process.exit(1);
  }
  process.env.FENNEC_FIXTURES = resolve(folder);
}

const vitest = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    ...projects.flatMap((name) => ["--project", name]),
    ...process.argv.slice(2).filter((argument) => argument !== "--fixtures"),
  ],
  { cwd: root, stdio: "inherit", env: { ...process.env, FENNEC_TEST_PROJECTS: projects.join(",") } },
);
process.exit(vitest.status ?? 1);
